// Package browser looks at the page of "podfence survey -o html" as its reader does: in Chromium, without a window.
//
// It is a module of its own, so that the command does not depend on what drives a browser. Its tests are skipped, and say
// so, where no Chromium is installed; with CHROMIUM=required they fail there. With SCREENSHOTS=directory they write a
// picture of each thing that they look at:
//
//	apt-get install chromium
//	cd internal/browser && SCREENSHOTS=/tmp go test .
package browser
