package overload

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// unlimited is what the kernel writes for no limit in version 1 of control groups, or more.
const unlimited = 1 << 60

// GroupLimit returns the memory that the control group of this process, or one above it, allows, in bytes; 0 if
// none limits it. It knows both versions of control groups. read is os.ReadFile.
func GroupLimit(read func(name string) ([]byte, error)) int64 {
	groups, err := read("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(groups)) {
		// number:controllers:path, with 0 and no controllers for version 2
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if parts[0] != "0" || parts[1] != "" {
			if !slices.Contains(strings.Split(parts[1], ","), "memory") {
				continue
			}
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			text, _ := read(path.Join(root, dir, file)) // no such file: no limit
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && n < unlimited && (least == 0 || n < least) {
				least = n
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// ParseBytes reads a size such as "512 MiB", "2GB" or "1000000".
func ParseBytes(text string) (int64, error) {
	digits := strings.TrimRight(text, "KMGTkmgtiBb ")
	unit := strings.ToLower(strings.TrimSpace(text[len(digits):]))
	n, err := strconv.ParseFloat(digits, 64)
	scale, ok := units[unit]
	if err != nil || !ok || !(n >= 0) || n*scale >= unlimited {
		return 0, fmt.Errorf(`%q is no size; want a number with a unit, such as "512 MiB" or "2 GB"`, text)
	}
	return int64(n * scale), nil
}

var units = map[string]float64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}
