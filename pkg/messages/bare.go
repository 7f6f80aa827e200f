package messages

// Flush asks the backend to send what it has ready (manual: "Flush (F)").
type Flush struct{}

func (*Flush) Kind() Kind               { return KindFlush }
func (*Flush) Decode(body []byte) error { return decodeBare(KindFlush, body) }
func (*Flush) Append(dst []byte) []byte { return appendBare(dst, KindFlush) }
func (*Flush) Visit(Visitor)            {}

// Sync ends an extended query cycle; the answer is ReadyForQuery (manual:
// "Sync (F)").
type Sync struct{}

func (*Sync) Kind() Kind               { return KindSync }
func (*Sync) Decode(body []byte) error { return decodeBare(KindSync, body) }
func (*Sync) Append(dst []byte) []byte { return appendBare(dst, KindSync) }
func (*Sync) Visit(Visitor)            {}

// ParseComplete is the answer to Parse (manual: "ParseComplete (B)").
type ParseComplete struct{}

func (*ParseComplete) Kind() Kind               { return KindParseComplete }
func (*ParseComplete) Decode(body []byte) error { return decodeBare(KindParseComplete, body) }
func (*ParseComplete) Append(dst []byte) []byte { return appendBare(dst, KindParseComplete) }
func (*ParseComplete) Visit(Visitor)            {}

// BindComplete is the answer to Bind (manual: "BindComplete (B)").
type BindComplete struct{}

func (*BindComplete) Kind() Kind               { return KindBindComplete }
func (*BindComplete) Decode(body []byte) error { return decodeBare(KindBindComplete, body) }
func (*BindComplete) Append(dst []byte) []byte { return appendBare(dst, KindBindComplete) }
func (*BindComplete) Visit(Visitor)            {}

// CloseComplete is the answer to Close (manual: "CloseComplete (B)").
type CloseComplete struct{}

func (*CloseComplete) Kind() Kind               { return KindCloseComplete }
func (*CloseComplete) Decode(body []byte) error { return decodeBare(KindCloseComplete, body) }
func (*CloseComplete) Append(dst []byte) []byte { return appendBare(dst, KindCloseComplete) }
func (*CloseComplete) Visit(Visitor)            {}

// NoData tells that a statement or portal returns no rows (manual:
// "NoData (B)").
type NoData struct{}

func (*NoData) Kind() Kind               { return KindNoData }
func (*NoData) Decode(body []byte) error { return decodeBare(KindNoData, body) }
func (*NoData) Append(dst []byte) []byte { return appendBare(dst, KindNoData) }
func (*NoData) Visit(Visitor)            {}

// PortalSuspended tells that Execute reached its number of rows (manual:
// "PortalSuspended (B)").
type PortalSuspended struct{}

func (*PortalSuspended) Kind() Kind               { return KindPortalSuspended }
func (*PortalSuspended) Decode(body []byte) error { return decodeBare(KindPortalSuspended, body) }
func (*PortalSuspended) Append(dst []byte) []byte { return appendBare(dst, KindPortalSuspended) }
func (*PortalSuspended) Visit(Visitor)            {}

// CopyDone ends COPY data, sent by either side (manual:
// "CopyDone (F & B)").
type CopyDone struct{}

func (*CopyDone) Kind() Kind               { return KindCopyDone }
func (*CopyDone) Decode(body []byte) error { return decodeBare(KindCopyDone, body) }
func (*CopyDone) Append(dst []byte) []byte { return appendBare(dst, KindCopyDone) }
func (*CopyDone) Visit(Visitor)            {}

// Terminate ends the session (manual: "Terminate (F)").
type Terminate struct{}

func (*Terminate) Kind() Kind               { return KindTerminate }
func (*Terminate) Decode(body []byte) error { return decodeBare(KindTerminate, body) }
func (*Terminate) Append(dst []byte) []byte { return appendBare(dst, KindTerminate) }
func (*Terminate) Visit(Visitor)            {}
