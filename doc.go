package podfence
