-- Counts one request unless the quota is used up; answers the microseconds to wait, 0 if it was counted.
-- KEYS: the address's key. ARGV: microseconds in which one request is earned back; the quota.
-- The key holds when everything will be earned back: a bucket that leaks, in one number.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local period, quota = tonumber(ARGV[1]), tonumber(ARGV[2])
local back = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now)
-- Later than that it cannot be, unless the server's clock was set back.
back = math.min(back, now + period * quota)
local wait = back + period - now - period * quota
if wait > 0 then
  return wait
end
back = back + period
redis.call('SET', KEYS[1], string.format('%.0f', back), 'PX', math.ceil((back - now) / 1000))
return 0
