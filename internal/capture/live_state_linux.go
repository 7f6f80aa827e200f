package capture

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// checkState takes note of an interface that went down.
func (l *rings) checkState(d *device) error {
	switch err := d.State(); err {
	case nil:
	case unix.ENETDOWN:
		if !d.down {
			d.down, l.looked = true, time.Time{}
			l.opt.OnState(d.name + " is down; the capture goes on when it comes up")
		}
	default:
		return fmt.Errorf("capturing on %s: %w", d.name, err)
	}
	return nil
}

// lookAfter looks whether the interfaces that were down are back. A socket goes
// on by itself with an interface that comes up; one that was removed and made
// anew has another number, to which the socket has to be bound.
func (l *rings) lookAfter() error {
	down := false
	for _, d := range l.devices {
		down = down || d.down
	}
	if !down || time.Since(l.looked) < stateInterval {
		return nil
	}
	l.looked = time.Now()
	for _, d := range l.devices {
		if d.down {
			if err := l.comeBack(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *rings) comeBack(d *device) error {
	i, err := net.InterfaceByName(d.name)
	if err != nil {
		return nil // still gone
	}
	if i.Index != d.index {
		if err := d.Rebind(i.Index); err != nil {
			return nil // gone again
		}
		d.index = i.Index
		if l.opt.Promiscuous {
			if err := d.SetPromiscuous(i.Index); err != nil {
				return fmt.Errorf("capturing on %s: %w", d.name, err)
			}
		}
	}
	if i.Flags&net.FlagUp == 0 {
		_ = d.State() // binding to it said once more that it is down
		return nil
	}
	d.down = false
	l.opt.OnState(d.name + " is up again")
	return nil
}
