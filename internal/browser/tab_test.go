package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// programs are the names of Chromium, in order of preference.
var programs = []string{"chromium", "chromium-browser", "google-chrome", "chrome"}

// chromium is the path of the browser. Without one the test is skipped, and fails where CHROMIUM=required says that there
// is to be one.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	problem := fmt.Sprintf("no browser: none of %s is installed (on Debian: apt-get install chromium)", strings.Join(programs, ", "))
	if os.Getenv("CHROMIUM") == "required" {
		t.Fatal(problem)
	}
	t.Skip(problem)
	return ""
}

// tab is a tab of a browser, and what its page did that nobody asked it to.
type tab struct {
	*testing.T
	ctx context.Context

	mutex    sync.Mutex
	requests []string
	problems []string
}

// patience is how long one page may take altogether, on a machine that has other things to do.
const patience = 5 * time.Minute

// newTab starts a browser with a page. It keeps what the page writes to the console, what it throws, and what it asks of
// the network.
func newTab(t *testing.T, page string) *tab {
	t.Helper()
	tab := &tab{T: t}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(chromium(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium will not have one as root
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	tab.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(tab.event))
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab.ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Log("closing the browser:", err)
		}
		cancel()
	})
	tab.do() // starts the browser
	call(tab, network.Enable, network.EnableParams{})
	call(tab, log.Enable, cdp.Empty{})
	tab.do(chromedp.Navigate((&url.URL{Scheme: "file", Path: filepath.ToSlash(page)}).String()))
	return tab
}

func (t *tab) event(e any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		t.requests = append(t.requests, e.Request.URL)
	case *log.EventEntryAdded:
		t.problems = append(t.problems, fmt.Sprintf("%s: %s", e.Entry.Level, e.Entry.Text))
	case *runtime.EventConsoleAPICalled:
		t.problems = append(t.problems, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		t.problems = append(t.problems, "thrown: "+e.ExceptionDetails.Text)
	}
}

// seen are the requests and problems up to now.
func (t *tab) seen() (requests, problems []string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.requests), slices.Clone(t.problems)
}

// do does things in the tab, and ends the test where one of them fails.
func (t *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(t.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func call[P, R any](t *tab, c cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(t.ctx, c, params); err != nil {
		t.Fatal(err)
	}
}

// value is that of an expression in the page.
func value[T any](t *tab, format string, args ...any) T {
	t.Helper()
	v, err := chromedp.Run(t.ctx, chromedp.Evaluate[T](fmt.Sprintf(format, args...)))
	if err != nil {
		t.Fatalf(format+": %v", append(args, err)...)
	}
	return v
}

// look sets the size of the window and the colours that its user prefers.
func (t *tab) look(width int64, scheme string) {
	t.Helper()
	call(t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: width < 600,
	})
	call(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// shoot writes a picture of the window to the directory that SCREENSHOTS names, if it names one.
func (t *tab) shoot(name string) {
	t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(t.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
