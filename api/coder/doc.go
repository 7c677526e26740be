// Package coder speaks version 2 of Coder's API, as far as users, their keys and
// settings, sign-ins, organizations and personal skills go.
//
// What is promised: texts, statuses and the order of checks are those that
// Coder's clients know; where they differ, docs/dialects/coder.md says so. Who may
// not see something is told the same as for what does not exist. Every answer
// carries the header by which clients know the server.
package coder
