-- What wrk sends: the files named after `--` in turn, as prepared requests. At the end, one line of JSON.
local prepared, turn = {}, 0

function init(args)
  for index = 3, #args do
    local file = assert(io.open(args[index], "rb"))
    prepared[index - 2] = wrk.format("POST", args[1], { ["Content-Type"] = args[2], ["Host"] = "127.0.0.1" }, file:read("*a"))
    file:close()
  end
end

function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
