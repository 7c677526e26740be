package faults_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	guaranteeTest = regexp.MustCompile("`([a-z/]+)` ((?:Test[A-Za-z]+(?: \\([^)]*\\))?(?:, )?)+)")
	testName      = regexp.MustCompile(`Test[A-Za-z]+`)
)

// TestGuaranteesNameTestsThatExist reads the table of guarantees.
func TestGuaranteesNameTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/guarantees.md")
	require.NoError(t, err)
	found := guaranteeTest.FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(found), 10)
	for _, m := range found {
		sources := testsOf(t, m[1])
		for _, name := range testName.FindAllString(m[2], -1) {
			require.True(t, strings.Contains(sources, "func "+name+"("), "%s of %s", name, m[1]) //nolint:testifylint // the sources are too long to print
		}
	}
}

func testsOf(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob("../../" + folder + "/*_test.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}
