package app

import (
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// client and server are pieces of conversations in bytes.
func client(b ...byte) said { return said(fmt.Sprintf(">#%x", b)) }
func server(b ...byte) said { return said(fmt.Sprintf("<#%x", b)) }

// lengthFirst is a big-endian length of four bytes before what follows, which it does not count.
func lengthFirst(parts ...string) []byte {
	body := strings.Join(parts, "")
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// mysql is a packet of MySQL's: three bytes of length, the lowest first, and a number.
func mysql(number byte, parts ...string) []byte {
	body := strings.Join(parts, "")
	return append([]byte{byte(len(body)), byte(len(body) >> 8), 0, number}, body...)
}

// frame2 is a frame of HTTP/2 (RFC 9113, section 4.1).
func frame2(kind, flags byte, stream uint32, body string) []byte {
	b := []byte{0, byte(len(body) >> 8), byte(len(body)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), body...)
}

// cql is a frame of Cassandra's (native protocol, v4 section 2).
func cql(version, flags byte, stream uint16, opcode byte, body string) []byte {
	b := binary.BigEndian.AppendUint16([]byte{version, flags}, stream)
	b = append(b, opcode)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

// tds is a packet of Microsoft's (MS-TDS, section 2.2.3.1).
func tds(kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint16([]byte{kind, 1}, uint16(8+len(body)))
	return append(append(b, 0, 0, 1, 0), body...)
}

// tns is a packet of Oracle's.
func tns(kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(8+len(body)))
	return append(append(b, 0, 0, kind, 0, 0, 0), body...)
}

// mongo is a message of MongoDB's: little-endian length, request and answer numbers, code.
func mongo(id, to, code uint32, body string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(16+len(body)))
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint32(b, to)
	return append(binary.LittleEndian.AppendUint32(b, code), body...)
}

// hello is the document {hello: 1} in BSON.
const hello = "\x10\x00\x00\x00\x10hello\x00\x01\x00\x00\x00\x00"

// clientHello is the beginning of TLS with the protocol h2 asked for (RFC 8446, 7301).
func clientHello() []byte {
	alpn := "\x00\x10\x00\x05\x00\x03\x02h2"
	versions := "\x00\x2b\x00\x03\x02\x03\x04"
	extensions := alpn + versions
	body := "\x03\x03" + strings.Repeat("R", 32) + "\x00" + "\x00\x02\x13\x01" + "\x01\x00" + string([]byte{0, byte(len(extensions))}) + extensions
	hello := append([]byte{1, 0, 0, byte(len(body))}, body...)
	return append([]byte{22, 3, 1, 0, byte(len(hello))}, hello...)
}

// greeting8 is the Initial Handshake Packet of MySQL 8.0 with an authentication plugin.
func greeting8(plugin string) []byte {
	return mysql(0, "\x0a", "8.0.36\x00", "\x08\x00\x00\x00", "abcdefgh\x00", "\xff\xff\xff\x02\x00\xff\xdf\x15", strings.Repeat("\x00", 10), "ijklmnopqrst\x00", plugin, "\x00")
}

// login8 is HandshakeResponse41.
func login8(plugin string) []byte {
	return mysql(1, "\x85\xa6\xff\x19\x00\x00\x00\x01\xff", strings.Repeat("\x00", 23), "root\x00", "\x20", strings.Repeat("Q", 32), "db\x00", plugin, "\x00")
}

var moreProtocols = map[string][]said{
	"HTTP/1.1 pipelined":    {">GET /Q HTTP/1.1\r\nHost: h\r\n\r\nGET /P HTTP/1.1\r\nHost: h\r\n\r\n", "<HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
	"HTTP proxied":          {">PROXY TCP4 10.0.0.1 10.0.0.2 1 80\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "<HTTP/1.1 400 Bad Request\r\n\r\n"},
	"HTTP/2":                {client(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame2(4, 0, 0, "\x00\x03\x00\x00\x00\x64")...)...), server(append(frame2(4, 0, 0, ""), frame2(4, 1, 0, "")...)...), client(frame2(4, 1, 0, "")...)},
	"gRPC":                  {client(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame2(4, 0, 0, "")...)...), client(append(frame2(1, 4, 1, "\x83\x86\x44\x09/a.B/Call\x5f\x10application/grpc"), frame2(0, 1, 1, "\x00\x00\x00\x00\x05\x0a\x03abc")...)...), server(append(frame2(4, 0, 0, ""), frame2(1, 4, 1, "\x88\x5f\x10application/grpc")...)...), server(append(frame2(0, 0, 1, "\x00\x00\x00\x00\x02\x08\x01"), frame2(1, 5, 1, "\x40\x0bgrpc-status\x010")...)...)},
	"WebSocket":             {">GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", "<HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", ">#818537fa213d7f9f4d5158", "<#810548656c6c6f"},
	"Redis RESP3":           {">*6\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n$0\r\n\r\n", "<%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n", ">*3\r\n$3\r\nSET\r\n$1\r\nQ\r\n$5\r\n\x00\x00\x00\x04Z\r\n", "<+OK\r\n", "<>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n"},
	"MongoDB hello":         {client(mongo(1, 0, 2013, "\x00\x00\x00\x00\x00"+hello)...), server(mongo(9, 1, 2013, "\x00\x00\x00\x00\x00"+hello)...), client(mongo(2, 0, 2012, "\xdd\x07\x00\x00\x15\x00\x00\x00\x00"+hello)...)},
	"MySQL 8 caching_sha2":  {server(greeting8("caching_sha2_password")...), client(login8("caching_sha2_password")...), server(mysql(2, "\x01\x03")...), server(mysql(3, "\x00\x00\x00\x02\x00\x00\x00")...), client(mysql(0, "\x03select 1")...), server(mysql(1, "\x01")...)},
	"MySQL 8 full":          {server(greeting8("caching_sha2_password")...), client(login8("caching_sha2_password")...), server(mysql(2, "\x01\x04")...), client(mysql(3, "\x02")...), server(mysql(4, "\x01-----BEGIN PUBLIC KEY-----\nMIIB")...), client(mysql(5, strings.Repeat("E", 128))...), server(mysql(6, "\x00\x00\x00\x02\x00\x00\x00")...)},
	"MySQL 8 switch":        {server(greeting8("mysql_native_password")...), client(login8("caching_sha2_password")...), server(mysql(2, "\xfe", "mysql_native_password\x00", "abcdefghijklmnopqrst\x00")...), client(mysql(3, strings.Repeat("S", 20))...), server(mysql(4, "\xff\x15\x04#28000Access denied for user 'root'@'h'")...)},
	"MySQL TLS":             {server(greeting8("caching_sha2_password")...), client(mysql(1, "\x85\xae\xff\x19\x00\x00\x00\x01\xff", strings.Repeat("\x00", 23))...), client(clientHello()...)},
	"AMQP 0-9-1":            {">AMQP\x00\x00\x09\x01", "<#0100000000001a000a000a000900000000000000" + "05504c41494e00000005656e5f5553ce", ">#0100000000001d000a000b0000000005504c41494e000000" + "0800677565737400670005656e5f5553ce", "<#0100000000000c000a001e0000000200000000ce"},
	"AMQP 1.0":              {">AMQP\x03\x01\x00\x00", "<AMQP\x03\x01\x00\x00", "<#0000001a02010000005340c00d01e00a01a305504c41494e", ">#0000001f02010000005341c012" + "02a305504c41494ea0080075736572007077", "<#0000001002010000005344c003015000", ">AMQP\x00\x01\x00\x00", "<AMQP\x00\x01\x00\x00"},
	"Cassandra 4":           {client(cql(4, 0, 0, 5, "")...), server(cql(0x84, 0, 0, 6, "\x00\x00")...), client(cql(4, 0, 1, 1, "\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0")...), server(cql(0x84, 0, 1, 2, "")...), client(cql(4, 0, 2, 7, "\x00\x00\x00\x08SELECT 1\x00\x01\x00")...), server(cql(0x84, 0, 2, 0, "\x00\x00\x20\x00\x00\x03bad")...)},
	"Cassandra 5":           {client(cql(5, 0, 0, 1, "\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0")...), server(cql(0x85, 0, 0, 3, "\x00\x10org.apache.x.Pwd")...), client(cql(5, 0, 1, 15, "\x00\x00\x00\x05\x00u\x00pw")...), server(cql(0x85, 0, 1, 16, "\xff\xff\xff\xff")...)},
	"Kafka ApiVersions":     {client(lengthFirst("\x00\x12\x00\x03\x00\x00\x00\x01\x00\x05kafka\x00\x05java\x063.7.0\x00")...), server(lengthFirst("\x00\x00\x00\x01\x00\x00\x02\x00\x03\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00")...), client(lengthFirst("\x00\x11\x00\x01\x00\x00\x00\x02\x00\x05kafka\x00\x05PLAIN")...), server(lengthFirst("\x00\x00\x00\x02\x00\x00\x00\x00\x00\x01\x00\x05PLAIN")...), client(lengthFirst("\x00\x24\x00\x02\x00\x00\x00\x03\x00\x05kafka\x00\x08\x00user\x00pw\x00")...), server(lengthFirst("\x00\x00\x00\x03\x00\x00\x00\x00\x01\x00")...)},
	"MQTT 5":                {">#101600044d51545405c2003c000003616263000175000170", "<#2003000000", ">#82080001000003612f6201", "<#9004000100 01", ">#3007000361 2f6200 78"},
	"TDS login":             {client(tds(0x12, "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x10\x00\x00\x00\x00\x00\x00")...), server(tds(4, "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x0f\x00\x07\xd0\x00\x00\x02")...), client(tds(0x10, strings.Repeat("\x00L", 60))...), server(tds(4, "\xad\x10\x00\x01\x74\x00\x00\x04\x04S\x00Q\x00L\x00S\x00\xfd\x00\x00\x00\x00\x00\x00\x00\x00")...), client(tds(1, "s\x00e\x00l\x00e\x00c\x00t\x00 \x001\x00")...)},
	"TDS 8":                 {client(clientHello()...), server([]byte("\x15\x03\x03\x00\x02\x02\x28")...)},
	"TNS":                   {client(tns(1, "\x01\x3c\x01\x2c\x0c\x41\x20\x00\xff\xff\x7f\x08\x00\x00\x01\x00\x00\x3a\x00\x3a\x00\x00\x00\x00\x41\x41"+strings.Repeat("\x00", 24)+"(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=x)(CID=(PROGRAM=p)(HOST=h)(USER=u)))(ADDRESS=(PROTOCOL=TCP)(HOST=h)(PORT=5432)))")...), server(tns(4, "\x22\x00\x00\x3b(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514))))")...)},
	"TNS resend":            {client(tns(1, "\x01\x3c\x01\x2c"+strings.Repeat("\x00", 46))...), server(tns(11, "")...), client(tns(1, "\x01\x3c\x01\x2c"+strings.Repeat("\x00", 46))...), server(tns(2, "\x01\x3c\x0c\x01\x20\x00\xff\xff\x01\x00\x00\x00\x00\x20\x41\x41"+strings.Repeat("\x00", 8))...), client(tns(6, "\x00\x00\xde\xad\xbe\xef\x00\x92")...)},
	"LDAP bind":             {">#302902010160240201030416636e3d61646d696e2c64633d782c64633d79800770617373776f72", "<#300c02010161070a013104000400", ">#301d02010277188016312e332e362e312e342e312e313436362e3230303337", "<#300c02010278070a010004000400"},
	"SSH key exchange":      {"<SSH-2.0-OpenSSH_9.6\r\n", ">SSH-2.0-PuTTY_0.80\r\n", server(lengthFirst("\x04\x14", strings.Repeat("c", 16), "\x00\x00\x00\x11curve25519-sha256", "\x00\x00\x00\x0bssh-ed25519", strings.Repeat("\x00", 40))...), client(lengthFirst("\x06\x1e", "\x00\x00\x00\x20", strings.Repeat("e", 32), "pad123")...)},
	"TLS":                   {client(clientHello()...), server([]byte("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + strings.Repeat("S", 32) + "\x00\x13\x01\x00")...)},
	"Bolt":                  {">#6060b01700000404000000040000000300000002", "<#00000404", ">#0012b101a28a757365725f6167656e74816181780000", "<#0003b170a00000"},
	"ClickHouse":            {client([]byte("\x00\x11ClickHouse client\x18\x08\xb2\xa9\x03\x00\x07default\x00")...), server([]byte("\x00\x0aClickHouse\x18\x08\xb2\xa9\x03\x03UTC\x04host\x01")...)},
	"DRDA":                  {">#0026d00100010020104100 0c115e8482f2c4c2f2000c1404140300072407000f", "<#0015d0030001000f14430 00b1147d8c4c2f2"},
	"Firebird":              {client(append([]byte{0, 0, 0, 1, 0, 0, 0, 19, 0, 0, 0, 3, 0, 0, 0, 1}, lengthFirst("emp\x00")...)...), server([]byte{0, 0, 0, 3, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 3}...)},
	"Aerospike":             {client([]byte("\x02\x01\x00\x00\x00\x00\x00\x06build\n")...), server([]byte("\x02\x01\x00\x00\x00\x00\x00\x0ebuild\t6.4.0.1\n")...)},
	"NFS":                   {client([]byte("\x80\x00\x00\x28\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa3\x00\x00\x00\x03\x00\x00\x00\x00" + strings.Repeat("\x00", 16))...), server([]byte("\x80\x00\x00\x18\x00\x00\x00\x01\x00\x00\x00\x01" + strings.Repeat("\x00", 16))...)},
	"NBD":                   {"<NBDMAGICIHAVEOPT\x00\x03", ">#00000003", ">IHAVEOPT\x00\x00\x00\x03\x00\x00\x00\x00", "<#0003e889045565a9000000030000000100000000"},
	"Telnet":                {"<#fffd18fffd20fffd23fffd27", ">#fffb18fffc20", "<login: ", ">root\r\n", "<Password: ", ">pw\r\n"},
	"Gearman":               {client([]byte("\x00REQ\x00\x00\x00\x10\x00\x00\x00\x04ping")...), server([]byte("\x00RES\x00\x00\x00\x11\x00\x00\x00\x04ping")...)},
	"Modbus":                {">#000100000006010300000002", "<#000100000007010304000a0014"},
	"Diameter":              {">#01000020 80000101 00000000 00000001 00000002 00000108 4000000c 61626364", "<#01000020 00000101 00000000 00000001 00000002 0000010c 4000000c 000007d1"},
	"Beanstalk, Q and Z":    {">put 0 0 60 5\r\nhello\r\n", "<INSERTED 1\r\n", ">Q\x00\x00\x00\x05x", "<Z\x00\x00\x00\x05X"},
	"Syslog":                {">85 <34>1 2026-01-01T00:00:00Z h su - ID47 - 'su root' failed for lonvick on /dev/pts/8\n"},
	"Graphite":              {">servers.a.cpu 5 1700000000\nservers.b.cpu 6 1700000000\n"},
	"StatsD and PostgreSQL": {">Query: select 1\n", "<ErrorResponse\n"},
}

// TestMoreProtocols is TestProtocolsByTheirSpecifications for protocols in which both
// sides go on, in other versions and orders.
func TestMoreProtocols(t *testing.T) {
	if len(moreProtocols) < 30 {
		t.Fatalf("only %d protocols", len(moreProtocols))
	}
	notPostgreSQL(t, maps.Clone(moreProtocols))
}
