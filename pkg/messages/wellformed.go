package messages

// WellFormed reports whether a whole body is one that a real peer would send as
// a message of that kind. It is for finding message boundaries in damaged
// streams, where a false message is worse than a missed one, and therefore
// stricter than Decode: what it accepts, Decode accepts too, but not the other
// way round. It knows names, codes and ranges that the format leaves open, and
// refuses for example control characters in SQL.
//
// How much an acceptance proves depends on the kind: CopyData, GSSResponse and
// messages without body have no structure to check. Unknown is never well
// formed. WellFormed keeps no state, allocates nothing and takes time linear in
// the body at worst.
func WellFormed(k Kind, body []byte) bool {
	info := k.info()
	if len(body) < info.min || len(body) > info.max {
		return false
	}
	check := structure[k.index()]
	return check != nil && check(body)
}

// structure holds the check of each kind's body beyond the bounds of its length,
// nil where there is none that could hold. The checks take a body and not a
// cursor, which a call through the table would move to the heap.
var structure = [numKinds]func(body []byte) bool{
	KindStartupMessage:           wfStartupMessage,
	KindSSLRequest:               func(b []byte) bool { return wfCode(b, CodeSSLRequest) },
	KindGSSENCRequest:            func(b []byte) bool { return wfCode(b, CodeGSSENCRequest) },
	KindCancelRequest:            func(b []byte) bool { return wfCode(b[:4], CodeCancelRequest) && wfProcess(b[4:]) },
	KindSSLResponse:              func(b []byte) bool { return b[0] == 'S' || b[0] == 'N' },
	KindGSSENCResponse:           func(b []byte) bool { return b[0] == 'G' || b[0] == 'N' },
	KindNegotiateProtocolVersion: wfNegotiateProtocolVersion,
	KindBackendKeyData:           wfProcess,
	KindParameterStatus:          wfParameterStatus,
	KindStartupMessageV2:         wfStartupMessageV2,
	KindErrorResponseV2:          wfNonEmptyString,

	KindAuthenticationOk:                func(b []byte) bool { return wfCode(b, codeOk) },
	KindAuthenticationKerberosV5:        func(b []byte) bool { return wfCode(b, codeKerberosV5) },
	KindAuthenticationCleartextPassword: func(b []byte) bool { return wfCode(b, codeCleartextPassword) },
	KindAuthenticationMD5Password:       func(b []byte) bool { return wfCode(b[:4], codeMD5Password) },
	KindAuthenticationGSS:               func(b []byte) bool { return wfCode(b, codeGSS) },
	KindAuthenticationGSSContinue:       func(b []byte) bool { return wfCode(b[:4], codeGSSContinue) },
	KindAuthenticationSSPI:              func(b []byte) bool { return wfCode(b, codeSSPI) },
	KindAuthenticationSASL:              wfAuthenticationSASL,
	KindAuthenticationSASLContinue:      func(b []byte) bool { return wfCode(b[:4], codeSASLContinue) && isToken(b[4:]) },
	KindAuthenticationSASLFinal:         func(b []byte) bool { return wfCode(b[:4], codeSASLFinal) && isToken(b[4:]) },
	KindPasswordMessage:                 wfNonEmptyString,
	KindSASLInitialResponse:             wfSASLInitialResponse,
	KindSASLResponse:                    func(b []byte) bool { return len(b) > 0 && isToken(b) },
	KindGSSResponse:                     func(b []byte) bool { return len(b) > 0 },

	KindQuery:              wfString,
	KindRowDescription:     wfRowDescription,
	KindDataRow:            wfDataRow,
	KindCommandComplete:    wfCommandComplete,
	KindEmptyQueryResponse: wfBare,
	KindReadyForQuery:      func(b []byte) bool { return TxStatus(b[0]).Valid() },

	KindParse:                wfParse,
	KindBind:                 wfBind,
	KindDescribe:             wfTarget,
	KindExecute:              wfExecute,
	KindClose:                wfTarget,
	KindFlush:                wfBare,
	KindSync:                 wfBare,
	KindParseComplete:        wfBare,
	KindBindComplete:         wfBare,
	KindCloseComplete:        wfBare,
	KindParameterDescription: wfParameterDescription,
	KindNoData:               wfBare,
	KindPortalSuspended:      wfBare,

	KindCopyData:         func([]byte) bool { return true },
	KindCopyDone:         wfBare,
	KindCopyFail:         wfString,
	KindCopyInResponse:   wfCopyFormats,
	KindCopyOutResponse:  wfCopyFormats,
	KindCopyBothResponse: wfCopyFormats,

	KindFunctionCall:         wfFunctionCall,
	KindFunctionCallResponse: wfFunctionCallResponse,

	KindErrorResponse:        wfErrorFields,
	KindNoticeResponse:       wfErrorFields,
	KindNotificationResponse: wfNotificationResponse,
	KindTerminate:            wfBare,
}

// wfBare is for messages without body: the bounds of the length say it all.
func wfBare(body []byte) bool { return len(body) == 0 }

func wfCode(body []byte, want uint32) bool {
	c := cursor{body: body}
	return c.uint32("") == want && c.ok()
}

// wfProcess checks a process and its key; a process is never 0.
func wfProcess(body []byte) bool {
	c := cursor{body: body}
	return c.uint32("") != 0 && c.left() >= minKey && c.left() <= maxKey
}

// wfString checks a body that is one string.
func wfString(body []byte) bool {
	c := cursor{body: body}
	return isText(c.cstring("")) && c.ok()
}

func wfNonEmptyString(body []byte) bool { return len(body) > 1 && wfString(body) }

func wfStartupMessage(body []byte) bool {
	c := cursor{body: body}
	v := ProtocolVersion(c.uint32(""))
	// 3.9999 is asked for to find servers that cannot negotiate.
	if v.Major() != 3 || v.Minor() > 9999 {
		return false
	}
	user := false
	for {
		name := c.cstring("")
		if c.failed() || len(name) == 0 {
			break
		}
		value := c.cstring("")
		if !isParameterName(name) || !isText(value) {
			return false
		}
		user = user || string(name) == "user" && len(value) > 0
	}
	return user && c.ok()
}

func wfStartupMessageV2(body []byte) bool {
	var m StartupMessageV2
	c := cursor{body: body}
	if ProtocolVersion(c.uint32("")).Major() != 2 {
		return false
	}
	for _, f := range m.fields() {
		if !isText(c.padded("", f.size)) {
			return false
		}
	}
	return body[4+64] != 0 && c.ok() // the user's name begins after version and database
}

func wfNegotiateProtocolVersion(body []byte) bool {
	c := cursor{body: body}
	if v := ProtocolVersion(c.uint32("")); v.Major() != 0 && v.Major() != 3 {
		return false
	}
	n := c.uint32("")
	if n > maxNames {
		return false
	}
	for ; n > 0; n-- {
		if s := c.cstring(""); len(s) == 0 || !isText(s) {
			return false
		}
	}
	return c.ok()
}

func wfParameterStatus(body []byte) bool {
	c := cursor{body: body}
	return isParameterName(c.cstring("")) && isText(c.cstring("")) && c.ok()
}

func wfAuthenticationSASL(body []byte) bool {
	c := cursor{body: body}
	if c.uint32("") != codeSASL {
		return false
	}
	n := 0
	for ; ; n++ {
		s := c.cstring("")
		if c.failed() || len(s) == 0 {
			break
		}
		if !isMechanism(s) {
			return false
		}
	}
	return n > 0 && c.ok()
}

func wfSASLInitialResponse(body []byte) bool {
	c := cursor{body: body}
	return isMechanism(c.cstring("")) && isToken(c.value("")) && c.ok()
}

func wfNotificationResponse(body []byte) bool {
	// A channel's name is an identifier; a payload is shorter than 8000 bytes.
	c := cursor{body: body}
	pid, channel, payload := c.uint32(""), c.cstring(""), c.cstring("")
	return c.ok() && pid != 0 && isIdentifier(channel) && len(payload) < 8000 && isText(payload)
}
