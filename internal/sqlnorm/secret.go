package sqlnorm

import "bytes"

// secretNames are the ends of names that a secret follows.
var secretNames = []string{
	"password", "passwd", "pwd", "passphrase", "secret", "token", "secret_key",
	"access_key", "private_key", "api_key", "apikey", "credential", "credentials",
}

// namesSecret tells whether a word, option or setting is one of those. Suffixes
// count and prefixes do not: sslpassword is a secret, password_encryption is not.
func namesSecret(name []byte) bool {
	for _, s := range secretNames {
		if len(name) >= len(s) && equalFold(name[len(name)-len(s):], s) {
			return true
		}
	}
	return false
}

// mentionsPassword tells whether s has "passw" in it, in any case. One of five
// bytes in a row must be one of its letters, so it looks at every fifth.
func mentionsPassword(s []byte) bool {
	for i := 4; i < len(s); i += 5 {
		switch s[i] | 0x20 {
		case 'p':
			if passwAt(s, i) {
				return true
			}
		case 'a':
			if passwAt(s, i-1) {
				return true
			}
		case 's':
			if passwAt(s, i-2) || passwAt(s, i-3) {
				return true
			}
		case 'w':
			if passwAt(s, i-4) {
				return true
			}
		}
	}
	return false
}

func passwAt(s []byte, i int) bool {
	return i >= 0 && i+5 <= len(s) && equalFold(s[i:i+5], "passw")
}

// carriesPassword tells whether a constant has a connection string with a
// password in it: "password=", or a URI with "//user:password@".
func carriesPassword(s []byte) bool {
	found := false
	eachPassword(s, func(after []byte) bool {
		found = len(after) > 0 && after[0] == '='
		return !found
	})
	return found || uriPassword(s)
}

// uriPassword tells whether a URI in s has a password before its host (RFC
// 3986, section 3.2.1). If s is cut off before the host, what could be a port is
// taken for a password.
func uriPassword(s []byte) bool {
	for {
		_, rest, ok := bytes.Cut(s, []byte("://"))
		if !ok {
			return false
		}
		s = rest
		authority := rest
		if n := bytes.IndexAny(authority, "/?# \t\r\n"); n >= 0 {
			authority = authority[:n]
		}
		user, _, ok := bytes.Cut(authority, []byte("@"))
		if (ok || len(authority) == len(rest) && !ended(s)) && bytes.IndexByte(user, ':') >= 0 {
			return true
		}
	}
}

// ended tells whether a constant has the end of one.
func ended(s []byte) bool {
	return bytes.HasSuffix(s, []byte("'")) || bytes.HasSuffix(s, []byte("$"))
}

// isConnectionString tells whether text is of the form "host=…" or "scheme://…"
// and not code.
func isConnectionString(text []byte) bool {
	l := lexer{src: text}
	if l.next().kind != tokenWord {
		return false
	}
	t := l.next()
	return t.kind == tokenColon || t.kind == tokenOperator && text[t.start] == '='
}

// buildsPassword tells whether a constant is SQL, or the beginning of SQL, that
// sets a password: PASSWORD and a quote, a placeholder of format, or, where the
// rest says that it is about a role, nothing more.
func buildsPassword(s []byte) bool {
	body := bytes.TrimSuffix(s, []byte("'"))
	found := false
	eachPassword(body, func(after []byte) bool {
		switch {
		case len(after) == 0:
			found = mentions(body, "role") || mentions(body, "user")
		default:
			found = after[0] == '\'' || after[0] == '%' || after[0] == '$'
		}
		return !found
	})
	return found
}

// eachPassword calls f with what follows each "password" in s, in any case,
// after white space. It ends when f returns false.
func eachPassword(s []byte, f func(after []byte) bool) {
	const word = "password"
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 != 'p' || !equalFold(s[i:i+len(word)], word) {
			continue
		}
		i += len(word) - 1
		if !f(bytes.TrimLeft(s[i+1:], " \t\r\n")) {
			return
		}
	}
}

// mentions tells whether s has a word in it, in any case.
func mentions(s []byte, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 == word[0] && equalFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}
