// Package coder speaks version 2 of Coder's API: so far the way in, which every
// client needs: the first user, login and logout.
//
// What is promised: bodies, texts and the order of checks are Coder's, and every
// answer carries X-Coder-Build-Version, without which Coder's clients do not
// believe a 404.
package coder
