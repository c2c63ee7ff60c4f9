;; Begins with three memories that are too large together.
(component
  (core module $m (memory 700))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m)))
