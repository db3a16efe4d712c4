package server

import (
	"net"
	"sync"
	"syscall"
	"unsafe"
)

// kernelDrops adds up what the kernel says about one socket, whose own counter has 32 bits.
type kernelDrops struct {
	mu   sync.Mutex
	last uint32
	sum  uint64
}

const (
	soMeminfo    = 55 // SO_MEMINFO
	meminfoDrops = 8  // SK_MEMINFO_DROPS
)

// total returns how many datagrams have been dropped since the socket was opened; 0 where the kernel, before
// Linux 4.12, does not tell. A closed socket has what it had when it was last asked.
func (k *kernelDrops) total(c *net.UDPConn) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw, err := c.SyscallConn()
	if err != nil {
		return k.sum
	}
	raw.Control(func(fd uintptr) { // an error means that the socket is closed
		var info [meminfoDrops + 1]uint32
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.SOL_SOCKET, soMeminfo,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 && size >= uint32(unsafe.Sizeof(info)) {
			k.sum += uint64(info[meminfoDrops] - k.last)
			k.last = info[meminfoDrops]
		}
	})
	return k.sum
}
