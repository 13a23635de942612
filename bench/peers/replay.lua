-- wrk's script: replays the requests of a file, METHOD \t PATH \t Name: value \x1f Name: value \t BODY, in turn.
-- "@@N@@" becomes a number that was not used before; "@@A@@", "@@B@@", "@@C@@" the parts of an address made of it.
local requests, turn, number = {}, 0, 0
local threads = {}

function setup(thread) table.insert(threads, thread) end

local function numbered(text)
  return (text:gsub("@@(%a)@@", function(sign)
    if sign == "N" then return string.format("%.0f", number) end
    local shift = ({ A = 65536, B = 256, C = 1 })[sign]
    return tostring(math.floor(number / shift) % 256)
  end))
end

function init(args)
  good, bad = 0, 0
  wanted = {}
  for status in args[2]:gmatch("%d+") do wanted[status] = true end
  number = os.time() * 100000
  for line in io.lines(args[1]) do
    local method, path, given, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
    local headers = {}
    for header in given:gmatch("[^\31]+") do
      local name, value = header:match("^([^:]+): (.*)$")
      headers[name] = value
    end
    if body == "" then
      requests[#requests + 1] = wrk.format(method, path, headers)
    else
      requests[#requests + 1] = function()
        number = number + 1
        local now = {}
        for name, value in pairs(headers) do now[name] = numbered(value) end
        return wrk.format(method, path, now, numbered(body))
      end
    end
  end
end

function request()
  turn = turn % #requests + 1
  local one = requests[turn]
  return type(one) == "function" and one() or one
end

-- Looking at each answer costs the generator; reading needs none of it, for wrk itself counts what is an error.
if os.getenv("COUNT") then
  function response(status) if wanted[tostring(status)] then good = good + 1 else bad = bad + 1 end end
end

function done(summary, latency)
  local goods, bads = 0, 0
  for _, thread in ipairs(threads) do goods, bads = goods + (thread:get("good") or 0), bads + (thread:get("bad") or 0) end
  local errors = summary.errors
  io.write(string.format('RESULT {"requests": %d, "seconds": %.6f, "failed": %d, "p50": %.3f, "p99": %.3f, "good": %d}\n',
    summary.requests, summary.duration / 1e6,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout + bads,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, goods))
end
