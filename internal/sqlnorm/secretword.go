package sqlnorm

import "encoding/binary"

// A text is looked through for the words below before anything else is done with
// it: most texts have none, and are done.

// wordUse says what a word that [findWord] finds tells.
type wordUse uint8

const (
	useName     wordUse = iota + 1 // the name of a secret, or a part of one
	useFunction                    // a function that takes a secret, before a parenthesis
	useLogin                       // one that may, by its arguments
	useCatalog                     // a catalog that holds credentials
	useCommand                     // a keyword of a command that takes one
	useShape                       // the beginning of a value that is one, if the rest has the shape
	useSetting                     // a function that reads a setting, before a parenthesis
	useTokens                      // tokens, or how many of them
)

// watched is a word that is looked for, by four of its letters, of which the text
// has to be rich enough to be rare: the rest of the word is compared then.
type watched struct {
	word string
	at   int // where in the word the four letters are
	use  wordUse
	ends bool // no letter, digit or underscore follows
}

// watchedWords in lower case.
var watchedWords = []watched{
	{"passw", 1, useName, false},
	{"passphrase", 1, useName, false},
	{"passfile", 1, useName, false},
	{"passcode", 1, useName, false},
	{"pass_phrase", 3, useName, false},
	{"pgpass", 0, useName, false},
	{"pwhash", 0, useName, true},
	{"pw_hash", 1, useName, true},
	{"pass_hash", 2, useName, false},
	{"passhash", 2, useName, false},
	{"pass_word", 3, useName, false},
	{"passkey", 2, useName, false},
	{"userpass", 2, useName, true},
	{"dbpass", 0, useName, true},
	{"pass", 0, useName, true},
	{"secret", 0, useName, false},
	{"token", 1, useName, true},
	{"tokens", 2, useTokens, true},
	{"token_", 1, useName, false},
	{"credential", 1, useName, false},
	{"conninfo", 1, useName, false},
	{"pwd", 0, useName, true},
	{"pwd_hash", 1, useName, false},
	{"pwdhash", 1, useName, false},
	{"pswd", 0, useName, true},
	{"apikey", 1, useName, false},
	{"api_key", 2, useName, false},
	{"api-key", 2, useName, false},
	{"accesskey", 4, useName, false},
	{"access_key", 5, useName, false},
	{"privatekey", 4, useName, false},
	{"private_key", 6, useName, false},
	{"private key", 6, useName, false},
	{"client_key", 5, useName, false},
	{"server_key", 5, useName, false},
	{"clientkey", 4, useName, false},
	{"serverkey", 4, useName, false},
	{"encryption_key", 9, useName, false},
	{"signing_key", 6, useName, false},
	{"session_key", 6, useName, false},
	{"master_key", 5, useName, false},
	{"hmac_key", 3, useName, false},
	{"raw_key", 2, useName, false},
	{"aes_key", 2, useName, false},
	{"shared_key", 5, useName, false},
	{"account_key", 6, useName, false},
	{"accountkey", 6, useName, false},
	{"subscription_key", 9, useName, false},
	{"userpwd", 3, useName, true},
	{"auth_key", 3, useName, false},
	{"encrypt_key", 6, useName, false},
	{"sslkey", 2, useName, false},
	// As programs write them that have no underscores in names, and in headers.
	{"encryptionkey", 8, useName, false},
	{"signingkey", 5, useName, false},
	{"sessionkey", 4, useName, false},
	{"masterkey", 4, useName, false},
	{"hmackey", 1, useName, false},
	{"aeskey", 1, useName, false},
	{"sharedkey", 4, useName, false},
	{"subscriptionkey", 10, useName, false},
	{"authkey", 2, useName, false},
	{"encryptkey", 6, useName, false},
	{"access-key", 5, useName, false},
	{"private-key", 6, useName, false},
	{"encryption-key", 9, useName, false},
	{"signing-key", 6, useName, false},
	{"session-key", 6, useName, false},
	{"master-key", 5, useName, false},
	{"account-key", 6, useName, false},
	{"subscription-key", 11, useName, false},
	{"auth-key", 3, useName, false},
	{"bearer", 2, useName, true},
	{"totp", 0, useName, true},
	{"authorization:", 3, useName, false},
	{"authorization\"", 3, useName, false},
	{"authorization'", 3, useName, false},
	{"cookie\":", 1, useName, false},
	{"cookie:", 1, useName, false},
	{"scram-sha-256$", 1, useName, false},
	{"api_token", 5, useName, false},
	{"access_token", 8, useName, false},
	{"auth_token", 6, useName, false},
	{"refresh_token", 9, useName, false},
	{"sp_addlogin", 5, useName, true},
	// PostgREST's settings with what came with a request.
	{"request.header", 3, useName, false},
	{"request.cookie", 3, useName, false},
	// In other languages than English.
	{"kennwort", 1, useName, false},
	{"contrase", 2, useName, false},
	{"wachtwoord", 4, useName, false},
	{"motdepasse", 2, useName, false},
	{"mot_de_passe", 3, useName, false},
	{"senha", 0, useName, true},
	{"dblink", 0, useFunction, false},
	{"crypt", 0, useFunction, false},
	{"pgp_", 0, useFunction, false},
	{"hmac", 0, useFunction, true},
	{"digest", 0, useFunction, true},
	{"set_config", 2, useFunction, true},
	{"current_setting", 5, useSetting, true},
	// What clouds' extensions are told keys by.
	{"account_add", 6, useFunction, true},
	{"key_provider", 2, useFunction, false},
	// JSON Web Tokens, whose headers begin with alg, typ or kid, and AWS's access keys,
	// beside which the secret ones stand.
	{"eyjhbgci", 2, useShape, false},
	{"eyj0exai", 2, useShape, false},
	{"eyjrawqi", 2, useShape, false},
	{"akia", 0, useShape, false},
	{"asia", 0, useShape, false},
	// What clouds and services begin their tokens with, so that they are found where they
	// should not be.
	{"ghp_", 0, useShape, false},
	{"gho_", 0, useShape, false},
	{"ghu_", 0, useShape, false},
	{"ghs_", 0, useShape, false},
	{"ghr_", 0, useShape, false},
	{"github_pat_", 3, useShape, false},
	{"glpat-", 1, useShape, false},
	{"xoxa-", 0, useShape, false},
	{"xoxb-", 0, useShape, false},
	{"xoxp-", 0, useShape, false},
	{"xoxr-", 0, useShape, false},
	{"xoxs-", 0, useShape, false},
	{"xapp-", 0, useShape, false},
	{"sk_live_", 0, useShape, false},
	{"rk_live_", 0, useShape, false},
	{"sk_test_", 0, useShape, false},
	{"whsec_", 0, useShape, false},
	{"aizasy", 0, useShape, false},
	{"ya29.", 0, useShape, false},
	{"sk-proj-", 0, useShape, false},
	{"sk-ant-", 0, useShape, false},
	{"npm_", 0, useShape, false},
	{"dop_v1_", 0, useShape, false},
	{"shpat_", 0, useShape, false},
	{"sign", 0, useLogin, true},
	{"verify", 1, useLogin, true},
	{"login", 0, useLogin, true},
	{"signin", 2, useLogin, true},
	{"sign_in", 3, useLogin, true},
	{"log_in", 1, useLogin, true},
	{"authenticate", 4, useLogin, true},
	{"program", 1, useCommand, true},
	{"identified", 6, useCommand, true},
	{"pg_authid", 5, useCatalog, true},
	{"pg_shadow", 3, useCatalog, true},
	{"pg_subscription", 5, useCatalog, true},
	{"pg_user_mapping", 7, useCatalog, false},
	{"pg_statistic", 5, useCatalog, true},
	{"pg_stats", 4, useCatalog, true},
	{"user_mapping_options", 4, useCatalog, true},
	{"get_binary_changes", 4, useCatalog, true},
	{"peek_binary_changes", 5, useCatalog, true},
}

// otherWords are what follows the letters of a watched word where they begin another:
// secretary, cryptocurrency.
var otherWords = map[string][]string{
	"secret": {"ary", "ari", "ion", "ive", "ly"}, "passw": {"ordless"}, "crypt": {"oc", "ic"}, "credential": {"ing"},
}

// The words by a hash of their four letters, and a filter over the first and the
// last three of those: at every other place of a text, three letters are looked up.
var (
	wordSlots  = makeWordSlots()
	wordFilter = makeWordFilter()
)

// wordSlot is a watched word, its four letters, and what it is not followed by. A digest is
// not that of pgcrypto in send_digest.
type wordSlot struct {
	letters uint32
	watched
	others []string
	begins bool // it has to begin a name
}

const slotBits = 8

func slotOf(four uint32) uint32 { return four * 0x9e3779b1 >> (32 - slotBits) }

func makeWordSlots() (slots [1 << slotBits][]wordSlot) {
	for _, w := range watchedWords {
		four := lettersOf(w)
		slots[slotOf(four)] = append(slots[slotOf(four)], wordSlot{four, w, otherWords[w.word], w.word == "digest"})
	}
	return slots
}

// foldBytes lowers the letters of four bytes. Other bytes fold as well, all of
// them in the same way everywhere.
const foldBytes = 0x20202020

func lettersOf(w watched) uint32 {
	var b [4]byte
	copy(b[:], w.word[w.at:])
	return binary.LittleEndian.Uint32(b[:]) | foldBytes
}

const filterBits = 12

func filterPlace(three uint32) uint32 { return (three & 0xffffff) * 0x9e3779b1 >> (32 - filterBits) }

func makeWordFilter() (f [1 << (filterBits - 6)]uint64) {
	set := func(three uint32) { p := filterPlace(three); f[p>>6] |= 1 << (p & 63) }
	for _, w := range watchedWords {
		four := lettersOf(w)
		set(four)
		if len(w.word) > 3 {
			set(four >> 8)
		}
	}
	return f
}
