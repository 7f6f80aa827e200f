package capture

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/pgsniff/pgsniff/internal/ring"
)

// interfaceTypes are the usual ones among the numbers of linux/if_arp.h.
var interfaceTypes = map[uint16]string{
	unix.ARPHRD_ETHER:              "ethernet",
	unix.ARPHRD_LOOPBACK:           "loopback",
	unix.ARPHRD_INFINIBAND:         "infiniband",
	unix.ARPHRD_PPP:                "ppp",
	unix.ARPHRD_RAWIP:              "raw_ip",
	unix.ARPHRD_NONE:               "raw_ip",
	unix.ARPHRD_TUNNEL:             "tunnel",
	unix.ARPHRD_TUNNEL6:            "tunnel",
	unix.ARPHRD_SIT:                "tunnel",
	unix.ARPHRD_IPGRE:              "tunnel",
	unix.ARPHRD_IP6GRE:             "tunnel",
	unix.ARPHRD_CAN:                "can",
	unix.ARPHRD_IEEE80211_RADIOTAP: "802.11",
}

func interfaceType(n *net.Interface) string {
	if kind, err := ring.InterfaceType(n.Name); err == nil {
		return interfaceTypes[kind]
	}
	return flagType(n)
}
