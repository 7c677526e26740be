package api_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

func TestEventsPageIsServed(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for path, content := range map[string]string{
		"/docs/events": "text/html; charset=utf-8", "/docs/events.js": "text/javascript; charset=utf-8", "/docs/events.css": "text/css; charset=utf-8",
	} {
		a := s.Do("GET", path, nil, nil)
		require.Equal(t, http.StatusOK, a.Status, path)
		require.Equal(t, content, a.Header.Get("Content-Type"))
		require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'")
	}
	page := string(s.Do("GET", "/docs/events", nil, nil).Body)
	require.Contains(t, page, `id="roster.user.registered.v1"`)
	require.NotContains(t, page, `src="http`)
	require.NotContains(t, page, `href="http`)
	require.Contains(t, string(s.Do("GET", "/docs", nil, nil).Body), `href="/docs/events"`)
}

const shown = `[...document.querySelectorAll("section.event")].filter((e) => e.offsetParent !== null).map((e) => e.id)`

// TestEventsPage filters, follows a link of the list, opens an example; and reads the
// page with scripts switched off.
func TestEventsPage(t *testing.T) {
	t.Parallel()
	ctx := apitest.Browser(t)
	s := apitest.New(t)
	require.NoError(t, chromedp.Do(ctx,
		chromedp.Navigate(s.URL+"/docs/events"),
		chromedp.WaitVisible("#filter"),
		screenshot("events.png"),
		chromedp.SendKeys("#filter", "passwordhash"),
	))
	ids, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](shown))
	require.NoError(t, err)
	require.Equal(t, []string{"roster.user.registered.v1"}, ids)
	links, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](
		`[...document.querySelectorAll("aside a")].filter((e) => e.offsetParent !== null).map((e) => e.textContent)`))
	require.NoError(t, err)
	require.Equal(t, []string{"registered.v1"}, links)
	require.NoError(t, chromedp.Do(ctx,
		chromedp.Click(`section.event:not([hidden]) summary`),
		chromedp.WaitVisible(`section.event:not([hidden]) details[open] pre`),
		screenshot("one-event.png"),
	))

	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(s.URL+"/docs/events"), chromedp.WaitVisible(`[id="roster.workspace.updated.v1"] table`), chromedp.WaitNotVisible("#filter")))
}

// screenshot keeps a picture where ROSTER_SCREENSHOTS says.
func screenshot(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		dir := os.Getenv("ROSTER_SCREENSHOTS")
		if dir == "" {
			return nil
		}
		png, err := chromedp.CaptureScreenshot()(ctx, target)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), png, 0o600)
	})
}
