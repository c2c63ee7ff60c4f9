;; Fills a whole memory, again and again; each fill runs in the host.
(component
  (core module $m
    (memory 64)
    (func $start
      (loop $again
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x400000))
        (br $again)))
    (start $start))
  (core instance (instantiate $m)))
