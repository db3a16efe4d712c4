package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)\\w+)`")

// What docs/reliability.md says is tested is tested: every test that it names is there.
func TestNamedTestsAreThere(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{} // by package
	for _, m := range namedTest.FindAllStringSubmatch(string(page), -1) {
		if _, ok := sources[m[1]]; !ok {
			files, _ := filepath.Glob(filepath.Join(root, m[1], "*_test.go"))
			var all strings.Builder
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				all.Write(b)
			}
			sources[m[1]] = all.String()
		}
		if !strings.Contains(sources[m[1]], "\nfunc "+m[2]+"(") {
			t.Errorf("docs/reliability.md names %s.%s, which is not there", m[1], m[2])
		}
	}
}
