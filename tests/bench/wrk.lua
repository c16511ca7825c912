-- What wrk asks, and what it tells at its end. The first argument says which:
--   (none)          the address, again and again
--   paths FILE      the paths of a file, one a line, over and over
--   patches FILE T  a PATCH of each exchange of a file (lines: id, its revision number), over and over, with key T

local position = 0

local function lines_of(name)
  local lines = {}
  for line in io.lines(name) do
    lines[#lines + 1] = line
  end
  return lines
end

local function ask_paths(name)
  local requests = {}
  for _, path in ipairs(lines_of(name)) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
  request = function()
    position = position % #requests + 1
    return requests[position]
  end
end

local function patch(name, key)
  local ids, numbers, sent = {}, {}, 0
  for _, line in ipairs(lines_of(name)) do
    local id, number = line:match("^(%S+) (%d+)$")
    ids[#ids + 1], numbers[id] = id, tonumber(number)
  end
  request = function()
    position = position % #ids + 1
    local id = ids[position]
    sent = sent + 1
    local headers = {
      ["Authorization"] = "Bearer " .. key,
      ["Content-Type"] = "application/merge-patch+json",
      ["If-Match"] = '"' .. numbers[id] .. '"',
    }
    numbers[id] = numbers[id] + 1
    local body = string.format('{"summary": "Written for the %dth time, to see how long it takes."}', sent)
    return wrk.format("PATCH", "/v1/exchanges/" .. id .. "?reason=measured", headers, body)
  end
end

function init(args)
  if args[1] == "paths" then
    ask_paths(args[2])
  elseif args[1] == "patches" then
    patch(args[2], args[3])
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nTOLD {"requests": %d, "seconds": %f, "bytes": %d, "refused": %d, "broken": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  ))
end
