package value

import "strconv"

const (
	familyIPv4 = 2
	familyIPv6 = 3
)

// appendInet prints inet and cidr (network_send, src/backend/utils/adt/network.c):
// family, bits of the netmask, is_cidr, size of the address, address. An inet
// shows its netmask only where that is not the whole address.
func appendInet(dst []byte, b []byte, cidr bool) ([]byte, bool) {
	if len(b) < 4 || int(b[3]) != len(b)-4 {
		return dst, false
	}
	family, bits, address := b[0], int(b[1]), b[4:]
	switch {
	case family == familyIPv4 && len(address) == 4 && bits <= 32:
		dst = appendIPv4(dst, address)
	case family == familyIPv6 && len(address) == 16 && bits <= 128:
		dst = appendIPv6(dst, address)
	default:
		return dst, false
	}
	if cidr || bits != 8*len(address) {
		dst = strconv.AppendUint(append(dst, '/'), uint64(bits), 10)
	}
	return dst, true
}

func appendIPv4(dst []byte, address []byte) []byte {
	for i, c := range address {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return dst
}

// appendIPv6 writes an address as inet_ntop does and net/netip does not: an
// IPv4-compatible address ends in dotted decimal as well as an IPv4-mapped one.
func appendIPv6(dst []byte, address []byte) []byte {
	word := func(i int) uint16 { return uint16At(address, 2*i) }
	start, length := longestZeroRun(word)
	for i := 0; i < 8; i++ {
		if i == start {
			dst = append(dst, ':')
			if i+length == 8 {
				dst = append(dst, ':')
			}
			i += length - 1
			continue
		}
		if i > 0 {
			dst = append(dst, ':')
		}
		if i == 6 && start == 0 && (length == 6 || length == 5 && word(5) == 0xFFFF) {
			return appendIPv4(dst, address[12:])
		}
		dst = strconv.AppendUint(dst, uint64(word(i)), 16)
	}
	return dst
}

// longestZeroRun finds the words that "::" stands for: the first of the longest
// runs of at least two. start is -1 where there is none.
func longestZeroRun(word func(int) uint16) (start, length int) {
	start = -1
	for i := 0; i < 8; i++ {
		j := i
		for j < 8 && word(j) == 0 {
			j++
		}
		if j-i >= 2 && j-i > length {
			start, length = i, j-i
		}
		i = max(i, j-1)
	}
	return start, length
}
