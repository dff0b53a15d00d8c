-- SPDX-License-Identifier: MIT

-- A collector of prometheus-node-exporter-lua: what 'minewall status --prometheus' says.

local function scrape()
  local pipe = io.popen("/usr/sbin/minewall status --prometheus 2>/dev/null")
  local add
  for line in pipe:lines() do
    local name, kind = line:match("^# TYPE (%S+) (%S+)$")
    if name then
      add = metric(name, kind)
    else
      local labels = {}
      for key, value in line:gmatch('([%w_]+)="([^"]*)"') do
        labels[key] = value
      end
      add(next(labels) and labels, line:match("(%S+)$"))
    end
  end
  pipe:close()
end

return { scrape = scrape }
