// Package guard watches the outputs of a network in training for a collapse: images that it tells apart no more.
//
// # What is measured
//
// Three numbers of the features and of the embedding (a [Reading]):
//
//   - the deviation, 0 where all images are one vector ([eval.NormalisedDeviation], its share of that of even
//     directions); it doesn't see that only few directions are used;
//   - the self-clustering, 1 where all images are one direction, 0 where directions are even ([eval.SelfClusteringOf]);
//   - the effective rank, not centred ([eval.RankMe]), which sees that few directions are used.
//
// The rows are what a training step has computed anyway: the first base view of the first images of the batch, of the
// first step, which sees the untrained network, and of the last one of every epoch. So there is no forward pass to pay
// for, and what is seen is the network that is trained, with the batch's own statistics in its batch norms. The
// evaluation graph has running statistics instead, and they lag behind: mobilenet_v3_small's for hundreds of steps, and
// any network's at a high rate. There, sound trainings look collapsed for epochs and come back.
//
// It takes 0.2 % of an epoch: 50 ms of 29 s in experiments/demo.yaml, which has 24 steps of 100 images, and 0.2 s of
// 104 s of resnet50 (model.backbone=resnet50 train.batch_size=256 data.image_size=16), even in an epoch of two steps.
//
// # The rule
//
// A limit by itself would not do: the numbers depend on the network, on the loss, and on how many images are looked at.
// So every number is held against its own best, see [Watch]. The shares stand between what 41 sound trainings kept
// (every kind of invariance loss, order and its baselines, convnet, ResNet, MobileNet and ConvNeXt, batches of 32 to
// 800, embeddings of 64 and 256, on Orchard, digits, signs, fruit, blood cells and streets) and what 10 came to that
// collapsed (VICReg without variance or covariance, Barlow Twins without lambda, SGD at rates of 5 and 100). Between
// them lie trainings at rates 10 to 2000 times too high that learn something yet:
//
//	                     sound, at least   learning yet   low, at most   where it tells a collapse
//	deviation            0.53              0.37           0.25           0.18 at most
//	1 - self-clustering  0.40              0.35           0.25           0.22
//	logarithm of rank    0.53              0.45           0.40           0.38
//
// What it doesn't see: outputs that tell images apart by something else than what they should, and trainings that are
// merely bad.
package guard
