// Package table lays out tables for people, in the width of a terminal: where their names are long, cells go on in the
// line below. Programs have JSON.
package table
