// Package abf speaks version 1 of the users API of the ABF build farm.
//
// What is promised: bodies, texts and the ETag on every success are what ABF's
// console client and file store read. The client compares texts and keys what it
// keeps by the tag alone, so both are exact: a tag is made of the body.
package abf
