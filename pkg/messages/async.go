package messages

// NotificationResponse is sent for NOTIFY (manual: "NotificationResponse (B)").
type NotificationResponse struct {
	ProcessID        uint32 // of the notifying backend
	Channel, Payload []byte // borrowed from the body
}

func (*NotificationResponse) Kind() Kind { return KindNotificationResponse }

func (m *NotificationResponse) Decode(body []byte) error {
	c := cursor{body: body}
	m.ProcessID = c.uint32("process_id")
	m.Channel = c.cstring("channel")
	m.Payload = c.cstring("payload")
	return c.end(KindNotificationResponse)
}

func (m *NotificationResponse) Append(dst []byte) []byte {
	dst, at := begin(dst, KindNotificationResponse)
	dst = appendUint32(dst, m.ProcessID)
	dst = appendCString(dst, m.Channel)
	return finish(appendCString(dst, m.Payload), at)
}

func (m *NotificationResponse) Visit(v Visitor) {
	v.Int("process_id", int64(m.ProcessID))
	v.Text("channel", m.Channel)
	v.Text("payload", m.Payload)
}
