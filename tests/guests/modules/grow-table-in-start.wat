;; Asks for room in a table, again and again, whatever it is told.
(component
  (core module $m
    (table 1 funcref)
    (func $start
      (loop $again (drop (table.grow (ref.null func) (i32.const 1000))) (br $again)))
    (start $start))
  (core instance (instantiate $m)))
