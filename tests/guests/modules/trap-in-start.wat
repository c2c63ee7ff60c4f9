;; Traps in its start function.
(component
  (core module $m
    (func $start (unreachable))
    (start $start))
  (core instance (instantiate $m)))
