package reassembly

import (
	"fmt"
	"strings"
	"testing"
)

type scenario struct {
	name, script, want string
}

var scenarios = []scenario{
	// In order, and the usual disorder.
	{
		"in order", "HS; A 100 1000 PA abc; A 103 1000 PA def; B 1000 106 PA XYZ; END 106 1003",
		"1open 1A:abcdef 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"out of order", "HS; A 103 1000 PA def; A 106 1000 PA ghi; A 100 1000 PA abc; END 109 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"descending", "HS; A 104 1000 PA e; A 103 1000 PA d; A 102 1000 PA c; A 101 1000 PA b; A 100 1000 PA a; END 105 1000",
		"1open 1A:abcde 1Afin 1Bfin 1end:FIN",
	},
	{
		"every packet twice",
		"A 99 0 S;A 99 0 S;B 999 100 SA;B 999 100 SA;A 100 1000 A;A 100 1000 A;A 100 1000 PA abc;A 100 1000 PA abc;B 1000 103 PA XYZ;B 1000 103 PA XYZ;A 103 1003 FA;A 103 1003 FA;B 1003 104 FA;B 1003 104 FA;A 104 1004 A;A 104 1004 A",
		"1open 1A:abc 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"longer retransmission", "HS; A 100 1000 PA abc; A 100 1000 PA abcdef; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"retransmission of several as one", "HS; A 100 1000 PA abc; A 103 1000 PA def; A 100 1000 PA abcdef; A 106 1000 PA ghi; END 109 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"overlaps in the queue", "HS; A 103 1000 PA def; A 102 1000 PA cdefgh; A 107 1000 PA hij; A 100 1000 PA abc; END 110 1000",
		"1open 1A:abcdefghij 1Afin 1Bfin 1end:FIN",
	},
	{
		"bridge between queued", "HS; A 102 1000 PA c; A 106 1000 PA g; A 101 1000 PA bcdefgh; A 100 1000 PA a; END 108 1000",
		"1open 1A:abcdefgh 1Afin 1Bfin 1end:FIN",
	},
	{
		"keep-alive with a byte of garbage", "HS; A 100 1000 PA abc; A 102 1000 A #; B 1000 103 A; A 103 1000 PA def; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"zero-window probe with the next byte", "HS; A 100 1000 PA abc; A 103 1000 A d; B 1000 103 A; A 103 1000 PA def; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},

	// Retransmissions that differ.
	{
		"conflict with delivered", "HS; A 100 1000 PA abc; A 100 1000 PA aXc; A 103 1000 PA d; END 104 1000",
		"1open 1A:abc 1Aconflict 1A:d 1Afin 1Bfin 1end:FIN",
	},
	{
		"conflict with one of several delivered", "HS; A 100 1000 PA abc; A 103 1000 PA def; A 106 1000 PA ghi; A 103 1000 PA dXfghiJ; END 110 1000",
		"1open 1A:abcdefghi 1Aconflict 1A:J 1Afin 1Bfin 1end:FIN",
	},
	{
		"conflict with queued", "HS; A 103 1000 PA def; A 102 1000 PA cDEFgh; A 100 1000 PA ab; END 108 1000",
		"1open 1Aconflict 1A:abcDEFgh 1Afin 1Bfin 1end:FIN",
	},
	{
		"in-order segment over queued", "HS; A 103 1000 PA def; A 100 1000 PA abcX; END 106 1000",
		"1open 1Aconflict 1A:abcXef 1Afin 1Bfin 1end:FIN",
	},
	{
		"same text again is no conflict", "HS; A 103 1000 PA def; A 103 1000 PA def; A 100 1000 PA abc; A 101 1000 PA bcde; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},

	// Sequence numbers around 2^32.
	{
		"wrap in order", "WHS; A w 1000 PA abc; A w+3 1000 PA def; A w+6 1000 PA ghi; END w+9 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"wrap inside a segment", "WHS; A w 1000 PA abcdef; A w+6 1000 PA ghi; END w+9 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"wrap out of order", "WHS; A w+3 1000 PA def; A w+6 1000 PA ghi; A w 1000 PA abc; END w+9 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"wrap retransmitted", "WHS; A w 1000 PA abcd; A w 1000 PA abcd; A w+4 1000 PA ef; A w 1000 PA abcd; A w+6 1000 PA g; END w+7 1000",
		"1open 1A:abcdefg 1Afin 1Bfin 1end:FIN",
	},
	{
		"wrap overlapped", "WHS; A w 1000 PA abcd; A w+2 1000 PA cdefghi; END w+9 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"wrap with loss across", "WHS; A w 1000 PA ab; A w+6 1000 PA ghi; B 1000 w+9 A; END w+9 1000",
		"1open 1A:ab | 1Agap4 1A:ghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"wrap of acknowledgments", "WHS; B 1000 w+4 PA XYZ; A w 1000 PA abcd; END w+4 1003",
		"1open 1A:abcd 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},

	// Loss.
	{
		"loss, known at the end", "HS; A 100 1000 PA abc; A 106 1000 PA ghi; B 1000 109 A; A 109 1000 PA jkl; B 1000 112 PA XYZ; END 112 1003",
		"1open 1A:abc | 1Agap3 1A:ghijkl 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"loss, acknowledged, 2 s", "HS; A 100 1000 PA abc; A 106 1000 PA ghi; B 1000 109 A; A 109 1000 PA jkl @2500; A 112 1000 PA mno; END 115 1000",
		"1open 1A:abc 1Agap3 1A:ghijklmno 1Afin 1Bfin 1end:FIN",
	},
	{
		"loss, acknowledged, 2 s without packets", "HS; A 100 1000 PA abc; A 106 1000 PA ghi; B 1000 109 A; tick 1000; tick 2500; A 109 1000 PA jkl",
		"1open 1A:abc 1Agap3 1A:ghijkl | 1end:end of capture",
	},
	{
		"hole that the peer has too waits for the retransmission", "HS; A 100 1000 PA abc; A 106 1000 PA ghi; B 1000 103 A; tick 9000; A 103 1000 PA def; END 109 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"hole that the peer has too is given up at last", "HS; A 100 1000 PA abc; A 106 1000 PA ghi; B 1000 103 A; tick 29000; tick 32000; A 103 1000 PA def",
		"1open 1A:abc 1Agap3 1A:ghi | 1end:end of capture",
	},
	{
		"request lost, reply held, retried in 2 s", "HS; B 1000 105 PA XYZ; tick 3000; A 105 1003 PA next",
		"1open 1Agap5 1B:XYZ 1A:next | 1end:end of capture",
	},
	{
		"several requests lost: replies keep their places", "HS; B 1000 105 PA X; B 1001 110 PA Y; B 1002 112 PA Z; A 112 1003 PA q",
		"1open | 1Agap5 1B:X 1Agap5 1B:Y 1Agap2 1B:Z 1A:q 1end:end of capture",
	},
	{
		"reply lost, seen from a bare acknowledgment", "HS; A 100 1000 PA abc; A 103 1005 A; tick 5000; A 103 1005 PA def; B 1005 106 PA XYZ",
		"1open 1A:abc 1Bgap5 1A:def 1B:XYZ | 1end:end of capture",
	},
	{
		"last reply lost at the end", "HS; A 100 1000 PA abc; A 103 1005 A",
		"1open 1A:abc | 1Bgap5 1end:end of capture",
	},
	{
		"both directions lost", "HS; A 105 1005 PA abc; B 1008 108 PA XYZ",
		"1open | 1Agap5 1Bgap5 1A:abc 1Bgap3 1B:XYZ 1end:end of capture",
	},
	{
		"late fill", "HS; A 106 1000 PA ghi; B 1000 109 A; tick 3000; A 100 1000 PA abcdef; A 109 1000 PA jkl",
		"1open 1Agap6 1A:ghijkl | 1end:end of capture",
	},
	{
		"FIN lost", "HS; A 100 1000 PA abc; B 1000 104 FA; A 104 1001 A",
		"1open 1A:abc | 1Afin 1Bfin 1end:FIN",
	},

	// Order across the directions.
	{
		"reply captured before its request", "HS; B 1000 103 PA XYZ; A 100 1000 PA abc; A 103 1003 PA def; B 1003 106 PA UVW; END 106 1006",
		"1open 1A:abc 1B:XYZ 1A:def 1B:UVW 1Afin 1Bfin 1end:FIN",
	},
	{
		"acknowledgment captured before data", "HS; A 100 1000 PA abc; B 1000 106 A; A 103 1000 PA def; B 1000 106 PA XYZ; END 106 1003",
		"1open 1A:abcdef 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"request retransmitted late, reply between", "HS; A 103 1000 PA def; B 1000 106 PA XYZ; A 100 1000 PA abc; END 106 1003",
		"1open 1A:abcdef 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"FIN captured before the reply it follows", "HS; A 100 1000 PA abc; A 103 1003 FA; B 1000 103 PA XYZ; B 1003 104 FA",
		"1open 1A:abc 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"handshake swapped", "B 999 100 SA; A 99 0 S; A 100 1000 A; A 100 1000 PA abc; B 1000 103 PA XYZ; END 103 1003",
		"1open 1A:abc 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"third packet swapped with data", "A 99 0 S; B 999 100 SA; A 100 1000 PA abc; A 100 1000 A; END 103 1000",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN",
	},
	{
		"each side acknowledges the other's retransmission", "HS; A 100 1003 PA abc; B 1000 103 PA XYZ; END 103 1003",
		"1open | 1A:abc 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{
		"RST captured before the data it follows", "HS; A 103 1003 RA; A 100 1000 PA abc; B 1000 103 PA XYZ",
		"1open 1A:abc 1B:XYZ 1end:RST",
	},

	// One direction.
	{
		"server only", "B 999 100 SA; B 1000 103 PA XYZ; B 1003 106 PA UVW; B 1006 110 FA",
		"1open 1B:XYZUVW 1Bfin 1end:FIN",
	},
	{
		"client only", "A 99 0 S; A 100 1000 PA abc; A 103 1010 PA def; A 106 1020 FA",
		"1open 1A:abcdef 1Afin 1end:FIN",
	},
	{
		"client only, with loss: 2 s", "A 99 0 S; A 100 1000 PA abc; A 106 1010 PA def; A 109 1020 PA ghi @2500; A 112 1030 PA j",
		"1open 1A:abc 1Agap3 1A:defghij | 1end:end of capture",
	},
	{
		"client only, mid-stream", "A 100 1000 PA abc; A 103 1010 PA def; A 106 1020 FA",
		"1openmid 1A:abcdef 1Afin | 1end:FIN",
	},

	// Joined in the middle.
	{
		"mid-stream", "A 100 1000 PA abc; B 1000 103 PA XYZ; A 103 1003 PA def",
		"1openmid 1A:abc 1B:XYZ 1A:def | 1end:end of capture",
	},
	{
		"mid-stream, acknowledgment first", "A 100 1000 A; B 1000 100 PA XYZ; A 100 1003 PA abc; A 103 1003 PA def",
		"1openmid 1B:XYZ 1A:abcdef | 1end:end of capture",
	},
	{
		"mid-stream, keep-alive first", "A 99 1000 A; B 1000 100 A; A 100 1000 PA abc; B 1000 103 PA XYZ",
		"1openmid 1A:abc 1B:XYZ | 1end:end of capture",
	},
	{
		"mid-stream, keep-alive of one side only", "A 99 1000 A; A 100 1000 PA abc",
		"1openmid 1A:abc | 1end:end of capture",
	},
	{
		"mid-stream, acknowledgment overtook data", "A 103 1000 A; A 100 1000 PA abc; A 103 1000 PA def",
		"1openmid 1A:abcdef | 1end:end of capture",
	},
	{
		"mid-stream, FIN held while it is acknowledged", "B 1000 100 A; A 100 1000 A; A 100 1005 FA; B 1005 101 A; B 1000 100 PA reply; B 1005 101 FA",
		"1openmid 1A:reply 1Bfin 1Afin 1end:FIN",
	},
	{"RST begins nothing", "A 100 0 R; B 1000 100 RA", ""},
	{"FIN begins nothing, nor do its ghosts", "A 100 1000 FA; B 1000 101 FA; A 101 1001 A", ""},
	{
		"data after a FIN that began nothing", "A 100 1000 FA; B 1000 101 PA XYZ",
		"1openmid 1A:XYZ | 1end:end of capture",
	}, // its first packet is the one that opened it

	// Opening.
	{
		"SYN again", "A 99 0 S; A 99 0 S; B 999 100 SA; A 100 1000 A; A 100 1000 PA abc; END 103 1000",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN",
	},
	{
		"data on the SYN", "A 99 0 S abc; B 999 103 SA; A 103 1000 PA def; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"data on the SYN, swapped with its answer", "B 999 103 SA; A 99 0 S abc; A 103 1000 PA def; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"simultaneous open", "A 99 0 S; B 999 0 S; A 99 1000 SA; B 999 100 SA; A 100 1000 PA abc; B 1000 103 PA XYZ; END 103 1003",
		"1open 1A:abc 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},
	{"refused", "A 99 0 S; B 0 100 RA", "1open 1end:RST"},
	{"refused twice, new numbers", "A 99 0 S; B 0 100 RA; A 5099 0 S; B 0 5100 RA", "1open 1end:RST 2open 2end:RST"},
	{
		"SYN-ACK of a new number", "A 99 0 S; B 999 100 SA; B 7999 100 SA; A 100 8000 A; B 8000 100 PA XYZ; END 100 8003",
		"1open 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},

	// Closing.
	{
		"half-close: the other side sends on", "HS; A 100 1000 PA abc; A 103 1000 FA; B 1000 104 PA XYZ; B 1003 104 PA more; B 1007 104 FA; A 104 1008 A",
		"1open 1A:abc 1Afin 1B:XYZmore 1Bfin 1end:FIN",
	},
	{
		"FIN before the last data", "HS; A 100 1000 PA abc; A 106 1000 FA; A 103 1000 PA def; B 1000 107 FA; A 107 1001 A",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"FIN with data, out of order", "HS; A 103 1000 FPA def; A 100 1000 PA abc; B 1000 107 FA",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"FIN again and again", "HS; A 100 1000 PA abc; END 103 1000; END 103 1000; END 103 1000",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN",
	},
	{
		"both FINs at once", "HS; A 100 1000 FA; B 1000 100 FA; A 101 1001 A; B 1001 101 A",
		"1open 1Afin 1Bfin 1end:FIN",
	},
	{
		"text beyond the FIN is none", "HS; A 100 1000 FPA abc; A 104 1000 PA xyz; B 1000 104 FA",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN",
	},
	{"RST by the client", "HS; A 100 1000 PA abc; A 103 1000 RA; B 1000 103 PA XYZ; B 1003 103 PA U", "1open 1A:abc 1end:RST"},
	{"RST by the server", "HS; A 100 1000 PA abc; B 1000 103 R", "1open 1A:abc 1end:RST"},
	{
		"RST out of the window", "HS; A 100 1000 PA abc; A 900000000 0 R; B 70000000 0 R; A 103 1000 PA def; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"RST after a hole that nobody acknowledged", "HS; A 100 1000 PA abc; A 150 1000 RA; tick 3000; A 99 0 S p1",
		"1open 1A:abc 1end:RST 2open | 2end:end of capture",
	},
	{
		"ghosts of a closed connection", "HS; A 100 1000 PA abc; END 103 1000; A 104 1001 A; A 100 1000 PA abc; B 1000 104 FA; B 1001 0 R; A 103 1000 A #",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN",
	},

	// The same endpoints again.
	{
		"reuse after FIN", "HS; A 100 1000 PA abc; END 103 1000; A 50000 0 S; B 70000 50001 SA; A 50001 70001 PA NEW; B 70001 50004 PA RPL; END 50004 70004",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN 2open 2A:NEW 2B:RPL 2Afin 2Bfin 2end:FIN",
	},
	{
		"reuse with a lower number", "A 50000 0 S; B 70000 50001 SA; A 50001 70001 PA NEW; END 50004 70001; HS; A 100 1000 PA abc",
		"1open 1A:NEW 1Afin 1Bfin 1end:FIN 2open 2A:abc | 2end:end of capture",
	},
	{
		"reuse of an open one", "HS; A 100 1000 PA abc; A 50000 0 S; B 70000 50001 SA; A 50001 70001 PA NEW; B 70001 50004 PA RPL",
		"1open 1A:abc 1end:reuse 2open 2A:NEW 2B:RPL | 2end:end of capture",
	},
	{
		"reuse of a half-closed one", "HS; A 100 1000 PA abc; A 103 1000 FA; A 50000 0 S; B 70000 50001 SA; A 50001 70001 PA NEW",
		"1open 1A:abc 1Afin 1end:reuse 2open 2A:NEW | 2end:end of capture",
	},
	{
		"reuse after RST", "HS; A 100 1000 PA abc; A 103 1000 RA; A 50000 0 S; B 70000 50001 SA; A 50001 70001 PA NEW",
		"1open 1A:abc 1end:RST 2open 2A:NEW | 2end:end of capture",
	},
	{
		"reuse, held data of the old one first", "HS; A 106 1000 PA ghi; A 50000 0 S; A 50001 0 PA NEW",
		"1open 1Agap6 1A:ghi 1end:reuse 2open 2A:NEW | 2end:end of capture",
	},
	{
		"reuse, only the SYN-ACK captured", "HS; A 100 1000 PA abc; END 103 1000; B 70000 50001 SA; A 50001 70001 PA NEW",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN 2open 2A:NEW | 2end:end of capture",
	},
	{
		"reuse, no handshake captured", "HS; A 100 1000 PA abc; END 103 1000; A 50001 70001 PA NEW; B 70001 50004 PA RPL",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN 2openmid 2A:NEW 2B:RPL | 2end:end of capture",
	},
	{
		"reuse by the other side", "HS; A 100 1000 PA abc; END 103 1000; B 70000 0 S; A 50000 70001 SA; B 70001 50001 PA NEW",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN 2open 2A:NEW | 2end:end of capture",
	},
	{
		"the same capture again", "HS; A 100 1000 PA abc; END 103 1000; HS; A 100 1000 PA abc; END 103 1000",
		"1open 1A:abc 1Afin 1Bfin 1end:FIN 2open 2A:abc 2Afin 2Bfin 2end:FIN",
	},
	{
		"two at a time", "HS; A 99 0 S p1; A 100 1000 PA abc; A 100 0 PA ABC p1; A 103 1000 PA d",
		"1open 2open 1A:abc 2A:ABC 1A:d | 1end:end of capture 2end:end of capture",
	},

	// Cut by the snap length.
	{
		"cut", "HS; A 100 1000 PA abc +7; A 110 1000 PA def; END 113 1000",
		"1open 1A:abc 1Agap7 1A:def 1Afin 1Bfin 1end:FIN",
	},
	{
		"cut, out of order", "HS; A 110 1000 PA def; A 100 1000 PA abc +7; END 113 1000",
		"1open 1A:abc 1Agap7 1A:def 1Afin 1Bfin 1end:FIN",
	},
	{
		"cut, queued", "HS; A 110 1000 PA abc +7; A 120 1000 PA def; A 100 1000 PA 0123456789; END 123 1000",
		"1open 1A:0123456789abc 1Agap7 1A:def 1Afin 1Bfin 1end:FIN",
	},
	{
		"cut, a fuller copy queued before", "HS; A 105 1000 PA fghij; A 100 1000 PA abc +7; END 110 1000",
		"1open 1A:abc 1Agap2 1A:fghij 1Afin 1Bfin 1end:FIN",
	},
	{
		"cut, a fuller copy replaces it in the queue", "HS; A 103 1000 PA d +3; A 103 1000 PA defg; A 100 1000 PA abc; END 107 1000",
		"1open 1A:abcdefg 1Afin 1Bfin 1end:FIN",
	},
	{
		"cut with FIN", "HS; A 100 1000 FPA abc +7; B 1000 111 FA",
		"1open 1A:abc 1Agap7 1Afin 1Bfin 1end:FIN",
	},

	// Out of place.
	{
		"wild segments", "HS; A 100 1000 PA abc; A 2000000000 1000 PA wild; A 3000000000 1000 PA wild; A 103 1000 PA def; END 106 1000",
		"1open 1A:abcdef 1Afin 1Bfin 1end:FIN",
	},
	{
		"the stream goes on elsewhere", "HS; A 100 1000 PA abc; A 2000000000 1000 PA x; A 2000000001 1000 PA y; A 2000000002 1000 PA z; A 2000000003 1000 PA 0",
		"1open 1A:abc 1Agap-1 1A:z0 | 1end:end of capture",
	},
	{
		"wild acknowledgment", "HS; A 100 900000000 PA abc; B 1000 103 PA XYZ; END 103 1003",
		"1open 1A:abc 1B:XYZ 1Afin 1Bfin 1end:FIN",
	},

	// Time.
	{
		"time goes back", "HS; A 106 1000 PA ghi @9000; B 1000 109 A @4000; A 103 1000 PA def @9001; A 100 1000 PA abc @3000; END 109 1000",
		"1open 1A:abcdefghi 1Afin 1Bfin 1end:FIN",
	},
	{
		"one packet from the future", "HS; A 103 1000 PA def; B 1000 106 A; A 99 0 S p1 @99999; A 100 1000 PA abc @6; END 106 1000",
		"1open 2open 1A:abcdef 1Afin 1Bfin 1end:FIN | 2end:end of capture",
	},
}

func TestScenarios(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenarios {
		if names[s.name] {
			t.Fatalf("two scenarios %q", s.name)
		}
		names[s.name] = true
		t.Run(s.name, func(t *testing.T) {
			if got := play(t, s.script, Config{}).String(); got != s.want {
				t.Errorf("\n got %s\nwant %s", got, s.want)
			}
		})
	}
}

// Every scenario must come out the same with the sides' addresses swapped, with
// other connections in between, and right after another capture was read.
func TestScenariosAmongOthers(t *testing.T) {
	for _, s := range scenarios {
		r := newRecorder(t)
		a := New(r, Config{})
		run(a, r, s.script)
		first := len(r.ev)
		run(a, r, s.script)
		open := strings.Count(s.want, "open")
		want := s.want
		for id := open; id > 0; id-- {
			for _, kind := range []string{"open", "A", "B", "end"} {
				want = strings.ReplaceAll(want, fmt.Sprintf(" %d%s", id, kind), fmt.Sprintf(" %d%s", id+open, kind))
				if p := fmt.Sprintf("%d%s", id, kind); strings.HasPrefix(want, p) {
					want = fmt.Sprintf("%d%s", id+open, kind) + want[len(p):]
				}
			}
		}
		if got := strings.Join(r.ev[first:], " "); got != want {
			t.Errorf("%s, again:\n got %s\nwant %s", s.name, got, want)
		}
	}
}
