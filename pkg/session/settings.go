package session

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// maxSettings bounds the messages that are remembered.
const maxSettings = 1 << 10

// settings is what the latest ParameterStatus messages told that came together: those
// of a server are the same for most connections.
type settings struct {
	run    []byte // the messages; empty: none are remembered
	before settingsOf
	after  settingsOf
}

// settingsOf is all that ParameterStatus messages change of a session.
type settingsOf struct {
	version, application, product, timeZone, dateStyle, intervalStyle, formats, searchPath string

	escapes, extended bool
	odd               odd
	encodings         exchange.Encodings
}

func (s *Session) settingsOf() settingsOf {
	i := &s.info
	return settingsOf{
		i.ServerVersion, i.Application, i.Product, i.TimeZone, i.DateStyle, i.IntervalStyle, i.Formats, i.SearchPath,
		i.Escapes, s.extended, s.odd, s.log.Encodings,
	}
}

func (s *Session) setSettings(t *settingsOf) {
	i := &s.info
	i.ServerVersion, i.Application, i.Product = t.version, t.application, t.product
	i.TimeZone, i.DateStyle, i.IntervalStyle, i.Formats = t.timeZone, t.dateStyle, t.intervalStyle, t.formats
	i.SearchPath = t.searchPath
	i.Escapes, s.extended, s.odd = t.escapes, t.extended, t.odd
	s.log.Escapes, s.log.Encodings = t.escapes, t.encodings
}

// learnParameters learns from ParameterStatus messages that follow each other.
func (s *Session) learnParameters(run []byte) {
	t, before := &s.shared.settings, s.settingsOf()
	if string(run) == string(t.run) && before == t.before {
		s.setSettings(&t.after)
		return
	}
	charged := s.charged
	for rest := run; len(rest) > 0; {
		size := 1 + binary.BigEndian.Uint32(rest[1:])
		s.learnParameter(rest[5:size])
		rest = rest[size:]
	}
	if len(run) <= maxSettings && s.charged == charged {
		t.run, t.before, t.after = append(t.run[:0], run...), before, s.settingsOf()
	}
}

func (s *Session) learnParameter(body []byte) {
	var known *string
	switch {
	case hasName(body, "server_version"):
		known = &s.info.ServerVersion
	case hasName(body, "application_name"):
		known = &s.info.Application
	case hasName(body, "TimeZone"):
		known = &s.info.TimeZone
	case hasName(body, "DateStyle"):
		known = &s.info.DateStyle
	case hasName(body, "IntervalStyle"):
		known = &s.info.IntervalStyle
	case hasName(body, "search_path"):
		known = &s.info.SearchPath
	case hasName(body, "standard_conforming_strings"):
		s.info.Escapes = hasValue(body, "off")
		s.log.Escapes = s.info.Escapes
		return
	case hasName(body, "client_encoding"):
		s.log.Encodings.SetClient(valueOf(body))
		return
	case hasName(body, "server_encoding"):
		s.log.Encodings.SetServer(valueOf(body))
		return
	default:
		s.productOfParameter(body)
		return
	}
	name, _, _ := bytes.Cut(body, []byte{0})
	value := valueOf(body)
	if value = value[:min(len(value), maxName)]; string(value) != *known {
		*known = s.setting(string(name), value)
		switch known {
		case &s.info.ServerVersion:
			s.productOfVersion(*known)
		case &s.info.TimeZone, &s.info.DateStyle, &s.info.IntervalStyle:
			s.setFormats()
		}
	}
}

// setFormats notes that one of the settings that Formats is of is another.
func (s *Session) setFormats() {
	i := &s.info
	usual := (i.DateStyle == "" || strings.HasPrefix(i.DateStyle, "ISO")) && (i.IntervalStyle == "" || i.IntervalStyle == "postgres")
	if i.Formats = i.TimeZone; !usual {
		i.Formats = s.shared.names.of([]byte(i.TimeZone + "\x00" + i.DateStyle + "\x00" + i.IntervalStyle))
	}
}

// valueOf returns the second string of body.
func valueOf(body []byte) []byte {
	_, rest, _ := bytes.Cut(body, []byte{0})
	value, _, _ := bytes.Cut(rest, []byte{0})
	return value
}

// hasValue reports whether the second string of body is value.
func hasValue(body []byte, value string) bool { return string(valueOf(body)) == value }

// hasName reports whether the first string of body is name.
func hasName(body []byte, name string) bool {
	n := len(name)
	return len(body) >= n && body[0] == name[0] && string(body[:n]) == name && (len(body) == n || body[n] == 0)
}
