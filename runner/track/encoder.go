package track

import (
	"ordo/models/fault"
)

// EncoderSum gives the SHA-256 of the encoder of the run in dir, in hexadecimal digits. A file that can't be read is a
// fault of kind Data.
func EncoderSum(dir string) (string, error) {
	sum, err := sumFile(EncoderFile(dir))
	return sum, fault.Reading(fault.Data, EncoderFile(dir), err)
}

// CheckEncoder compares the encoder of the finished run in dir with what its result says: a flipped bit in a weight
// would give other numbers without a word. One that differs is a fault of kind Data. The sum is
// EncoderSum's.
func CheckEncoder(dir string) (sum string, err error) {
	result, err := ReadResult(dir)
	if err != nil {
		return "", err
	}
	sum, err = EncoderSum(dir)
	if err != nil || sum == result.EncoderSHA256 {
		return sum, err
	}
	return "", fault.New(fault.Data, "%s is not the file that the run wrote: its checksum differs from that in %s",
		EncoderFile(dir), resultFile).Advise("remove %s and run the experiment again: it is exported anew, without training",
		resultFile)
}
