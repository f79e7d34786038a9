//go:build !unix

package pack

import (
	"errors"
	"os"
	"time"
)

func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }

func giveBack([]byte) {}

func readAhead([]byte, uint64, uint64) {}

func share(*os.File) {}

func accessed(string) time.Time { return time.Time{} }

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
