// Package augment makes views: transformed copies of images.
package augment
