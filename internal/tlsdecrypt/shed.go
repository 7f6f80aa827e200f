package tlsdecrypt

// Held returns how many bytes of memory the connection keeps for records and
// messages that are incomplete.
func (c *Conn) Held() (n int) {
	for i := range c.dirs {
		n += cap(c.dirs[i].framer.buf) + cap(c.dirs[i].messages.head)
	}
	return n
}

// Shed gives that memory back, for when all connections together hold too much:
// a record that is incomplete is lost, those after it are not.
func (c *Conn) Shed() {
	for i := range c.dirs {
		d := &c.dirs[i]
		if f := &d.framer; f.hunting || f.skip > 0 || len(f.buf)-f.off >= headerLen {
			f.gap(0)
			f.buf = nil
		} else {
			f.buf, f.off = append([]byte(nil), f.buf[f.off:]...), 0
		}
		d.messages.reset()
	}
}
