// Package near finds what a user most likely meant by a name that isn't there.
package near
