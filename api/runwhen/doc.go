// Package runwhen speaks version 3 of RunWhen's users API.
//
// What is promised: paths, members and refusals are what RunWhen's clients and its
// server that checks tokens read. Lists have the envelope of Django REST Framework,
// wrong input is told in FastAPI's form, every problem of it at once.
package runwhen
