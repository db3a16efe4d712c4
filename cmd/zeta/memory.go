package main

import (
	"path"
	"strconv"
	"strings"
)

// memoryLimit returns nine tenths of the memory that the control group of this process, or one above it, allows,
// in bytes; 0 if none limits it. Beyond that Go's collector works harder before the kernel ends the process.
func memoryLimit(read func(name string) ([]byte, error)) int64 {
	groups, err := read("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	_, group, ok := strings.Cut("\n"+string(groups), "\n0::")
	if !ok {
		return 0 // no unified hierarchy
	}
	group, _, _ = strings.Cut(group, "\n")
	least := int64(0)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		text, err := read(path.Join("/sys/fs/cgroup", dir, "memory.max"))
		if n, perr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && perr == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
		if dir == "/" {
			return least / 10 * 9
		}
	}
}
