"""Repairs without which Debian 12's Zaqar does not run; imported before it.

Its package leaves out the two scripts that it has Redis run, and Python 3.11 refuses what it hands to `asyncio.wait`.
"""
import asyncio
from typing import Any, Iterable

from zaqar.storage.redis import scripting

SCRIPTS = {
    # KEYS: the queue's sorted set of message ids, its counter; ARGV: the number of ids, the ids.
    "index_messages": """
        local last = redis.call('INCRBY', KEYS[2], ARGV[1])
        local count = tonumber(ARGV[1])
        for i = 1, count do
            redis.call('ZADD', KEYS[1], last - count + i, ARGV[i + 1])
        end
    """,
    # KEYS: the queue's sorted set of message ids. ARGV: now, limit, claim id, the end of the claim, and the minimum
    # remaining life of a claimed message: its time to live, its end. Returns the claimed ids, oldest first.
    "claim_messages": """
        local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
        local claimed = {}
        for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
            if #claimed == limit then break end
            local found = redis.call('HMGET', id, 'c.e', 'e', 'd')
            local expires = tonumber(found[2])
            if not expires then
                redis.call('ZREM', KEYS[1], id)
            elseif expires > now and tonumber(found[1] or 0) <= now and tonumber(found[3] or 0) <= now then
                redis.call('HSET', id, 'c', ARGV[3], 'c.e', ARGV[4])
                if expires < tonumber(ARGV[6]) then
                    redis.call('HSET', id, 't', ARGV[5], 'e', ARGV[6])
                    redis.call('EXPIRE', id, ARGV[5])
                end
                claimed[#claimed + 1] = id
            end
        end
        return claimed
    """,
}
scripting._read_script = SCRIPTS.__getitem__

wait = asyncio.wait


async def wait_as_before(jobs: Iterable[Any], **options: Any) -> Any:
    return await wait([asyncio.ensure_future(job) for job in jobs], **options)


asyncio.wait = wait_as_before
