package apitest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Browser starts headless Chromium with a profile of its own. Without one the test is
// skipped, and fails where CI is true.
func Browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium on PATH, and CI=true: the page was NOT looked at")
		}
		t.Skip("no Chromium on PATH: THE PAGE WAS NOT LOOKED AT; install the package chromium")
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1100, 760), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
	)
	whole, cancel := chromedp.NewContext(allocator)
	require.NoError(t, chromedp.Do(whole)) // starts it
	ctx, limit := context.WithTimeout(whole, 2*time.Minute)
	t.Cleanup(func() {
		limit()
		_ = chromedp.Cancel(whole) // waits until the browser has ended, so that its profile can be removed
		cancel()
		stop()
	})
	return ctx
}
