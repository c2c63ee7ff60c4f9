;; Asks for a page of memory, again and again.
(component
  (core module $m
    (memory 1)
    (func $start (loop $again (drop (memory.grow (i32.const 1))) (br $again)))
    (start $start))
  (core instance (instantiate $m)))
