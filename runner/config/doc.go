// Package config turns an experiment file, the environment and the command line into one checked [Experiment].
//
// # Layers
//
// Four layers, each over the one before: the defaults, the file (YAML), the environment (ORDO_TRAIN_EPOCHS=3 is
// train.epochs) and the overrides of the command line (train.epochs=3). Viper merges them. Maps merge key by key, lists
// are replaced as a whole, and an override can reach into a list by index: augment.ordered.0.max=90.
//
// Values in the environment and in overrides are YAML (model.projector=[128,64]), but a text key takes its value as it
// stands, so name=2024 needs no quotes there. A variable whose name begins like a section's (ORDO_TRAIN_…) and that is
// no key is a fault; other ORDO_ variables belong to others.
//
// # Strictness
//
// Viper folds the case of keys and drops what has no value, so a slip would vanish. Therefore the text is looked at
// before viper sees it, and what viper merged is decoded by a decoder of our own: an unknown key, a key twice, a value
// of the wrong type, upper case in a key, a key without a value, NaN and infinity are faults. All are reported at once,
// each with its line, variable or override and, for an unknown key, the nearest known one.
//
// What YAML reads out of a value, for those who come from elsewhere: 1e-4 is a number (PyYAML reads text); on, off, yes
// and no are text, not booleans; 010 is octal, 8. A whole number may be written 3.0 or 2e2. A section may be empty.
// Aliases work. An entry of augment.invariant is a transformation's name, a map of that name to its settings, or a
// family: {family: rotate, max: 180}; beside it, views: [0] names the base views that it is for. What it leaves out has
// that transformation's default. Below augment.roles and loss.order.families a joint family goes by its name,
// rotate+blur.
//
// # One file over another
//
// A file's key `extends` names another experiment file, from the folder of the first, and that one may extend a third.
// A file comes over the one that it extends: maps merge key by key, lists are replaced. What belongs to a file alone is
// not taken over, its `name` and `expect`. The resolved experiment knows nothing of it: neither [Experiment.YAML] nor
// [Experiment.Hash] tell whether a value was written in one file or in another. Circles, and chains of more than 16
// files, are faults.
//
// # Expectations
//
// A file's section `expect` ([Expect]) is no part of the experiment: it says in which ranges its author found numbers
// of the result. It is checked with the rest, but it decides nothing, can't be overridden, and is in no hash.
//
// # Identity
//
// [Experiment.YAML] writes every key with its value; loading that gives an equal Experiment. [Experiment.Hash] names
// the results that an experiment leads to.
package config
