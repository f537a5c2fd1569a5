// Namespaces, templates, lambdas, local classes, exceptions, constructors of several kinds.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace shapes {
struct Base {
    virtual ~Base() = default;
    virtual double area() const = 0;
};
namespace {
double hidden(double v) { return v > 100 ? throw std::runtime_error("large") : v * 1.5; }
}
inline namespace v2 {
template <typename T, int N> struct Box : virtual Base {
    T side[N];
    explicit Box(T s) { std::fill(side, side + N, s); }
    ~Box() override { std::puts("gone"); }
    double area() const override
    {
        double a = 1;
        for (const auto &s : side)
            a *= hidden(s);
        return a;
    }
    template <typename F> T each(F f) const
    {
        T sum{};
        for (const auto &s : side)
            sum += f(s);
        return sum;
    }
};
}
}

struct Free {
    static int made;
    Free operator+(const Free &) const { made++; return *this; }
    operator bool() const { return made > 2; }
};
int Free::made;

static int walk(const std::map<std::string, std::vector<int>> &m)
{
    int total = 0;
    for (const auto &[name, list] : m) {
        struct Local {
            int base;
            int operator()(int v) const { return v + base; }
        } local{static_cast<int>(name.size())};
        total += std::count_if(list.begin(), list.end(), [&](int v) { return local(v) % 2; });
    }
    return total;
}

int main(int argc, char **argv)
{
    std::map<std::string, std::vector<int>> m;
    std::unique_ptr<shapes::Base> s(new shapes::Box<double, 3>(argc));
    shapes::Box<float, 2> small(2.f);
    std::function<int(int)> twice = [argc](int v) { return v * argc; };

    for (int i = 0; i < argc; i++)
        m[argv[i]].push_back(twice(i));
    try {
        std::printf("%f %d\n", s->area(), walk(m));
        std::printf("%f\n", small.each([](float v) { return v * 2; }));
    } catch (const std::exception &e) {
        std::puts(e.what());
    }
    std::vector<std::string> words(argv, argv + argc);
    std::sort(words.begin(), words.end(), [](auto &a, auto &b) { return a.size() < b.size(); });
    return Free() + Free() ? 0 : 1;
}
