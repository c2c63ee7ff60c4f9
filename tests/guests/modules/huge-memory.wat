;; Begins with four gigabytes.
(component
  (core module $m (memory 65536))
  (core instance (instantiate $m)))
