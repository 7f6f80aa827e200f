package app

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// said is a piece of a conversation; the client's if it begins with >, the server's if
// with <. What follows is text, or hexadecimal digits behind #.
type said string

func (s said) bytes(t *testing.T) (d byte, b []byte) {
	t.Helper()
	if text, ok := strings.CutPrefix(string(s[1:]), "#"); ok {
		b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return s[0], b
	}
	return s[0], []byte(s[1:])
}

// otherProtocols are conversations in the form that their specifications give.
var otherProtocols = map[string][]said{
	"HTTP":          {">GET / HTTP/1.1\r\nHost: h\r\n\r\n", "<HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ">POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nQ\x00\x00\x00\x05", "<HTTP/1.1 404 Not Found\r\n\r\n"},
	"HTTP/2":        {">PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "<#000000040000000000", ">#000000040100000000"},
	"Redis":         {">*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n", "<+OK\r\n", ">*1\r\n$4\r\nPING\r\n", "<+PONG\r\n", ">*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "<$-1\r\n"},
	"Redis inline":  {">PING\r\n", "<+PONG\r\n", ">SET a b\r\n", "<-ERR unknown\r\n"},
	"memcached":     {">get a\r\n", "<END\r\n", ">set a 0 0 1\r\nx\r\n", "<STORED\r\n"},
	"memcached bin": {">#80000001000000000000000100000000000000000000000061", "<#8100000000000001000000090000000000000000000000004e6f7420666f756e64"},
	"SSH":           {"<SSH-2.0-OpenSSH_9.2\r\n", ">SSH-2.0-OpenSSH_9.2\r\n", ">#000000140614aabbccddeeff00112233445566778899aabb", "<#000000140614aabbccddeeff00112233445566778899aabb"},
	"SMTP":          {"<220 h ESMTP\r\n", ">EHLO x\r\n", "<250-h\r\n250 AUTH PLAIN\r\n", ">AUTH PLAIN AHUAcA==\r\n", "<535 no\r\n", ">QUIT\r\n", "<221 bye\r\n"},
	"FTP":           {"<220 ready\r\n", ">USER a\r\n", "<331 password\r\n", ">PASS b\r\n", "<530 no\r\n"},
	"IMAP":          {"<* OK ready\r\n", ">a LOGIN u p\r\n", "<a NO failed\r\n"},
	"POP3":          {"<+OK\r\n", ">USER u\r\n", "<+OK\r\n", ">PASS p\r\n", "<-ERR\r\n"},
	"MongoDB":       {">#3a0000000100000000000000d4070000000000006164 6d696e2e24636d640000000000ffffffff130000001069736d6173746572000100000000", "<#240000000200000001000000010000000800000000000000000000000000000001000000"},
	"MongoDB MSG":   {">#25000000010000000000 0000dd07000000000000001000 00001070696e6700010000 0000", "<#260000000200000001000000dd07000000000000001100 0000016f6b00000000000000f03f00"},
	"MySQL":         {"<#4a0000000a382e302e333300080000004e4e4e4e4e4e4e4e00ffffff0200ffdf15000000000000000000004e4e4e4e4e4e4e4e4e4e4e4e006d7973716c5f6e61746976655f70617373776f726400", ">#2000000185a6ff0100000001ff0000000000000000000000000000000000000000000000726f6f7400 00", "<#0700000200000002000000", ">#0900000003 73656c6563742031", "<#0100000101"},
	"MySQL refused": {"<#45000000ff6a04486f737420273127206973206e6f7420616c6c6f77656420746f20636f6e6e65637420746f2074686973204d7953514c20736572766572"},
	"TDS":           {">#1201002f0000010000001a000601002000010200210001030022000404002600 01ff0000000000000000000000000000000000", "<#0401002b00000100000000001a00060100200001020021000103002200000400220001ff0f0007d000000200"},
	"TNS":           {">#003a000001000000013601 2c00000800 7fff7f08000000010000003a00000000000000000000000000000000000000000000000000000000", "<#0008000004000000"},
	"Kafka":         {">#0000001a00120000000000010007726f7574696e67000000000000", "<#0000000a000000010000000000 00"},
	"Kafka long":    {">#00000022000300080000000500096b61666b612d6a730000000100 03666f6f01000000", "<#0000001600000005000000000000000000000000000000000000"},
	"ZooKeeper":     {">#0000002d000000000000000000000000000075300000000000000000000000100000000000000000000000000000000000", "<#000000250000000000007530010000000000000100000010aabbccddeeff00112233445566778899 00"},
	"Cassandra":     {">#0400000105000000 00", "<#8400000106000000 04 00010000"},
	"AMQP":          {">AMQP\x00\x00\x09\x01", "<#01000000000010000a000a0009000000000000000000ce"},
	"MQTT":          {">#101000044d5154540402003c000461626364", "<#20020000", ">#c000", "<#d000"},
	"LDAP":          {">#300c020101600702010304008000", "<#300c02010161070a010004000400"},
	"SMB":           {">#00000045ff534d4272000000001801480000000000000000000000000000fffe000000000022 00024e54204c4d20302e31320002534d4220322e3030320000", "<#00000010fe534d4240000100000000000000 0000"},
	"RDP":           {">#0300001300 0e e0000000000001000800 0b000000", "<#030000130ed000001234000209080002000000"},
	"DNS":           {">#001d abcd01000001000000000000 03777777 07657861 6d706c65 00 0001 0001", "<#001d abcd81800001000000000000 03777777 07657861 6d706c65 00 0001 0001"},
	"BGP":           {">#ffffffffffffffffffffffffffffffff001d0104fde800b40a00000100", "<#ffffffffffffffffffffffffffffffff001304"},
	"NATS":          {"<INFO {\"server_id\":\"x\"}\r\n", ">CONNECT {\"user\":\"a\",\"pass\":\"b\"}\r\n", "<+OK\r\n", ">PING\r\n", "<PONG\r\n"},
	"SIP":           {">OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n\r\n", "<SIP/2.0 200 OK\r\n\r\n"},
	"STOMP":         {">CONNECT\nlogin:u\npasscode:p\n\n\x00", "<CONNECTED\nversion:1.1\n\n\x00"},
	"Thrift":        {">#0000001c80010001000000 0470696e670000000100", "<#0000001180010002000000 0470696e670000000100"},
	"SMPP":          {">#0000002000000009000000000000000161 00620000340000 000000000000", "<#00000011800000090000000000000001 00"},
	"Elastic":       {">#45530000002f000000000000000100 0007a120000000000000696e7465726e616c3a7463702f68616e647368616b6500", "<#45530000001700000000000000010107a120000000000000000000"},
	"finger":        {">root\r\n", "<Login: root\r\n"},
	"text":          {">hello\n", "<world\n", ">Quit\n", "<Zero\n", ">Parse\n", "<Done\n"},
	"X11":           {">#6c000b0000000000 00000000", "<#000e0b0000000400 4e6f2070726f746f636f6c"},
	"rsync":         {"<@RSYNCD: 31.0\n", ">@RSYNCD: 31.0\n", "<@RSYNCD: OK\n"},
	"git":           {">0032git-upload-pack /project.git\x00host=h\x00", "<00000000"},
	"zeros":         {">#0000000000000000", "<#0000000000000000", ">#00000000", "<#00000000"},
	"D-Bus":         {">\x00AUTH EXTERNAL 31303030\r\n", "<OK 1234\r\n", ">BEGIN\r\n"},
	"SOCKS5":        {">#050100", "<#0500", ">#050100010a0000010050", "<#05000001000000000000"},
}

// others is a capture of conversations on one port, each from its beginning and joined
// at its second piece.
func others(t *testing.T, port uint16, list map[string][]said) string {
	t.Helper()
	var p hostile.Packets
	n := uint32(0)
	for _, pieces := range list {
		for from := range min(2, len(pieces)) {
			c := hostile.NewConn(n)
			c.Port = port
			if n++; from == 0 {
				p.Open(c)
			}
			for _, s := range pieces[from:] {
				d, b := s.bytes(t)
				side := hostile.Client
				if d == '<' {
					side = hostile.Server
				}
				p.Send(c, side, b)
			}
			p.Close(c)
		}
	}
	path := filepath.Join(t.TempDir(), "others.pcap")
	if err := os.WriteFile(path, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// noise are conversations of random bytes, or of random tags with lengths that fit.
func noise(n int) map[string][]said {
	r := rand.New(rand.NewPCG(1, 2))
	list := map[string][]said{}
	for i := range n {
		var pieces []said
		for k := range 6 {
			b := make([]byte, 1+r.IntN(200))
			for j := range b {
				b[j] = byte(r.Uint32())
			}
			pieces = append(pieces, said(fmt.Sprintf("%c#%x", "><"[k%2], b)))
		}
		list[fmt.Sprint("noise ", i)] = pieces
	}
	return list
}

// TestProtocolsByTheirSpecifications: of no other protocol a message is told, whether the
// port is named or not, and whether the beginning was captured or not.
func TestProtocolsByTheirSpecifications(t *testing.T) {
	all := noise(300)
	for name, pieces := range otherProtocols {
		all[name] = pieces
	}
	notPostgreSQL(t, all)
}

// notPostgreSQL holds that nothing is told of conversations, on a port that is known for
// PostgreSQL and on one that is not, whichever are named.
func notPostgreSQL(t *testing.T, all map[string][]said) {
	t.Helper()
	for name, pieces := range all {
		list := map[string][]said{name: pieces}
		for _, port := range []uint16{5432, 7777} {
			file := others(t, port, list)
			for _, ports := range []string{"--any-port", "--port=5432", "--port=7777"} {
				out, errs, code := command("read", ports, "--strict", "-o", "json", "--view", "messages,queries", "--show-secrets", file)
				if code != ExitOK || strings.Contains(out, `"type":"message"`) || strings.Contains(out, `"type":"query"`) {
					t.Errorf("%s, port %d, %s: exit %d, %.600s%s", name, port, ports, code, out, errs)
				}
			}
		}
	}
}
