-- What every task shows, live and ended.

return notices(true)
