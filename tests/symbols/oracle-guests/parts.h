/* Code in a header, inlined in two units. */
static inline int clamp(int n, int low, int high)
{
    if (n < low)
        return low;
    return n > high ? high : n;
}
int other_unit(int n);
