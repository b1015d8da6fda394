"""What a jail may do: policy as data, turned by pure functions into bwrap arguments, Landlock rules and BPF."""
