# Sums up what `cargo test --no-fail-fast` printed: what each failed test said first, the names of
# all that failed, and how many there were. tests/run calls it, with -v status=... of cargo.
#
# A test that fails may have printed anything, lines of a test run included (some tests start others).
# So what counts is what stands before the first "failures:" of a program, and its last "test result:".

function close_program() {
  if (program == "") return
  if (result == "") broken[++broken_count] = program
  split(result, words, " ")
  passed += words[4]; failed += words[6]; ignored += words[8]
  result = ""
}

/^ +Running .*\(.*\)$/ || /^ +Doc-tests / {
  close_program()
  program = $2 == "unittests" ? $3 : $2
  details = 0
  next
}

/^failures:$/ { details = 1; told = 0; next }
/^test result: / { result = $0; told = 0 }

!details && /^test .* \.\.\. FAILED$/ {
  name = $2
  failures[++count] = name
  where[count] = program
  number[program, name] = count
}

# Of each the panic and what it says, which comes first. Logs of servers may follow.
details && /^---- .* stdout ----$/ && ((program, $2) in number) { told = number[program, $2]; next }
told && said_lines[told] < 30 && NF { said[told] = said[told] "    " $0 "\n"; said_lines[told]++ }

END {
  close_program()
  for (i = 1; i <= count; i++) printf "\n---- %s in %s\n%s", failures[i], where[i], said[i]
  for (i = 1; i <= count; i++) printf "failed: %s in %s\n", failures[i], where[i]
  for (i = 1; i <= broken_count; i++) printf "failed: %s ended without a result\n", broken[i]
  if (ignored) printf "tests/run: %d tests are marked as ignored\n", ignored
  printf "tests/run: cargo test ended with status %d\n%d passed, %d failed\n", status, passed, failed
}
