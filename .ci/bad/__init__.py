"Kinds of bad input, a module for each group of them"
