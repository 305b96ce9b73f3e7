// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/trap_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace farewell::nft {
namespace {

/// What differs between the families. `empty_segment` is a TCP segment without options and data: what a raw
/// scanner's ACK looks like, and hardly ever a connection's tail.
struct Family {
    char digit;
    const char* header;         // whose saddr, daddr
    const char* type;           // of an address
    const char* nfproto;        // of meta
    const char* hops;           // the field that counts them down
    const char* empty_segment;  // by its length
};
constexpr std::array kFamilies{
    Family{.digit = '4',
           .header = "ip",
           .type = "ipv4_addr",
           .nfproto = "ipv4",
           .hops = "ip ttl",
           .empty_segment = "ip length 40"},
    Family{.digit = '6',
           .header = "ip6",
           .type = "ipv6_addr",
           .nfproto = "ipv6",
           .hops = "ip6 hoplimit",
           .empty_segment = "ip6 length 20"},
};

// Definitions never depend on the configuration: a set that is there already is kept as it is. Timeouts are
// therefore told by the rules that add.
struct SetRow {
    const char* name;       // with the family's digit behind it
    const char* key;        // $type is that of an address, $ip the header
    bool of_brake = false;  // which is there without the trap as well
};
constexpr std::array kSets{
    SetRow{"suspect", "type $type"},
    SetRow{"tries", "type $type"},
    SetRow{"insistent", "type $type"},
    SetRow{"known_syn", "type $type . inet_service", true},
    SetRow{"burst", "type $type", true},
    SetRow{"braked", "type $type", true},
    SetRow{"known_udp", "typeof $ip saddr . udp sport . udp dport . udp length"},
    SetRow{"held_tcp", "typeof $ip saddr . tcp sport . tcp dport . tcp sequence"},
    SetRow{"held_tcp_now", "typeof $ip saddr . tcp sport . tcp dport . tcp sequence"},
    SetRow{"held_tcp_again", "typeof $ip saddr . tcp sport . tcp dport . tcp sequence"},
    SetRow{"held_udp", "type $type . inet_service . inet_service"},
    SetRow{"held_udp_now", "type $type . inet_service . inet_service"},
    SetRow{"opening", "type $type"},
    SetRow{"opening_at", "type $type . inet_service"},
    SetRow{"served", "type $type . inet_proto . inet_service"},
    SetRow{"asked", "type $type . inet_proto . inet_service"},
    SetRow{"asked_now", "type $type . inet_proto . inet_service"},
};

// Connections are known from priority -200 on, so that hardly anybody can drop by `ct state` before the
// first, which stands behind the drop of soft bans (ruleset.cpp); the second drops who is braked, right after
// farewell has been told; the third stands before the filters of everybody, behind address translation.
struct ChainRow {
    const char* name;
    const char* hook;  // empty: a chain that others go to
    bool of_brake = false;
};
constexpr std::array kChains{
    ChainRow{"trap_early", "{ type filter hook prerouting priority -198; policy accept; }"},
    ChainRow{"trap_brake", "{ type filter hook prerouting priority -197; policy accept; }", true},
    ChainRow{"trap", "{ type filter hook input priority -10; policy accept; }", true},
    ChainRow{"trap_look", "", true},
    ChainRow{"trap_look4", "", true},
    ChainRow{"trap_look6", "", true},
    ChainRow{"trap_report4", "", true},
    ChainRow{"trap_report6", "", true},
    ChainRow{"trap_count4", "", true},
    ChainRow{"trap_count6", "", true},
    ChainRow{"trap_open4", ""},
    ChainRow{"trap_open6", ""},
    ChainRow{"trap_hold4", ""},
    ChainRow{"trap_hold6", ""},
    ChainRow{"trap_forward4", ""},
    ChainRow{"trap_forward6", ""},
};
constexpr ChainRow kForwardChain{"trap_forward", "{ type filter hook forward priority -10; policy accept; }"};

constexpr const char* kSyn = "tcp flags & (fin | syn | rst | ack) == syn";
// Whose answers come from a port that everybody knows; of what the classification calls a late reply.
constexpr const char* kReplyPorts =
    "{ 53, 123, 137, 161, 443, 500, 853, 1900, 3478, 3702, 4500, 5353, 5355 }";
// Tunnels, routing protocols and messages about the network: there is no socket to ask for.
constexpr const char* kServedElsewhere =
    "{ icmp, igmp, ipv6-icmp, ipencap, ipv6, gre, esp, ah, ospf, pim, vrrp, l2tp }";
constexpr const char* kRepeatsFor = "10s";  // of one source at one port; every so often userspace hears of it
constexpr const char* kHeldFor = "10s";  // time to repeat itself: after 1 and 3 s, as TCP does, or 5 as DNS
constexpr const char* kRepeatedNoSoonerThan = "500ms";  // who repeats at once is no TCP
constexpr const char* kAtOnce = "1ms";                  // the kernel counts in its ticks of 1 to 10 ms
constexpr int kInsistentAfter = 2;  // closed ports, while it is a suspect; no ordinary client tries three
constexpr const char* kBraked = "$ip saddr @braked$n $ip saddr != @allow$n ";
constexpr const char* kBrakedFor = "1s";     // as long as an ordinary client waits before it repeats itself
constexpr const char* kServedFor = "1d";     // a service behind us that has answered
constexpr const char* kAskedFor = "1h";      // one that has not
constexpr const char* kAnswerWithin = "1s";  // one that might still

/// A rule or key of one family: $type, $ip and $n stand for what differs.
std::string filled(const Family& family, std::string_view text) {
    const std::array<std::pair<std::string_view, std::string_view>, 3> markers{{
        {"$type", family.type},
        {"$ip", family.header},
        {"$n", {&family.digit, 1}},
    }};
    std::string result;
    while (!text.empty()) {
        const auto marker = std::ranges::find_if(
            markers, [text](const auto& candidate) { return text.starts_with(candidate.first); });
        if (marker == markers.end()) {
            result += text.front();
            text.remove_prefix(1);
        } else {
            result += marker->second;
            text.remove_prefix(marker->first.size());
        }
    }
    return result;
}

class Writer {
 public:
    explicit Writer(std::string_view table) : table_(table) {}

    void chain(const char* name, std::string_view hook = "") {
        text_ += fmt::format("add chain inet {} {}{}{}\n", table_, name, hook.empty() ? "" : " ", hook);
    }
    void flush(const char* name) { text_ += fmt::format("flush chain inet {} {}\n", table_, name); }
    void drop_chain(const char* name) { text_ += fmt::format("delete chain inet {} {}\n", table_, name); }
    void sets(const Family& family) {
        for (const SetRow& row : kSets) {
            text_ += fmt::format("add set inet {} {}{} {{ {}; size {}; flags dynamic,timeout; }}\n", table_,
                                 row.name, family.digit, filled(family, row.key), kTrapSetSize);
        }
    }
    void drop_set(const Family& family, const char* name) {
        text_ += fmt::format("delete set inet {} {}{}\n", table_, name, family.digit);
    }
    /// To the chain of no family.
    void rule(const char* name, std::string_view rule) {
        text_ += fmt::format("add rule inet {} {} {}\n", table_, name, rule);
    }
    /// To the family's own; in a rule $n is its digit, $ip its header.
    void rule(const Family& family, const char* name, std::string_view rule) {
        text_ += fmt::format("add rule inet {} {}{} {}\n", table_, name, family.digit, filled(family, rule));
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

 private:
    std::string_view table_;
    std::string text_;
};

/// What hands a packet over; the packet goes on to the next base chain afterwards.
std::string report_rule(const std::variant<LogGroup, Queues>& report) {
    if (const auto* group = std::get_if<LogGroup>(&report)) {
        return fmt::format("log group {}", group->number);
    }
    const auto& queues = std::get<Queues>(report);
    if (queues.first == queues.last) {
        return fmt::format("queue flags bypass to {}", queues.first);
    }
    return fmt::format("queue flags bypass to jhash $ip saddr mod {} offset {}",
                       queues.last - queues.first + 1, queues.first);
}

/// Who is braked begins nothing, but farewell hears of it, or a scan might end before there is a ban. What is
/// invalid is looked at before anybody drops it.
void write_early(Writer& writer, bool brakes) {
    if (brakes) {
        for (const char* chain : {"trap_early", "trap_brake"}) {
            writer.rule(chain, "ct state { established, related } accept");
        }
        for (const Family& family : kFamilies) {
            writer.rule("trap_early", filled(family, kBraked) + "goto trap_look");
            writer.rule("trap_brake", filled(family, kBraked) + "counter drop");
        }
    }
    writer.rule("trap_early", "ct state != invalid accept");
    writer.rule("trap_early", "meta l4proto tcp goto trap_look");
}

enum class Part : std::uint8_t { nothing, brake, trap, trap_and_forward };

/// The sets and chains of this part, the chains empty, and no others. What is to go is made first, because
/// what is not there cannot be deleted.
void write_ground(Writer& writer, Part part) {
    const auto stays = [part](const auto& row) {
        return part == Part::brake ? row.of_brake : part != Part::nothing;
    };
    for (const Family& family : kFamilies) {
        writer.sets(family);
    }
    for (const ChainRow& row : kChains) {
        writer.chain(row.name, stays(row) ? row.hook : "");
    }
    writer.chain(kForwardChain.name, part == Part::trap_and_forward ? kForwardChain.hook : "");
    for (const ChainRow& row : kChains) {
        writer.flush(row.name);
    }
    writer.flush(kForwardChain.name);
    for (const ChainRow& row : kChains) {
        if (!stays(row)) {
            writer.drop_chain(row.name);
        }
    }
    if (part != Part::trap_and_forward) {
        writer.drop_chain(kForwardChain.name);  // forwarded packets are to pay nothing for it
    }
    for (const Family& family : kFamilies) {
        for (const SetRow& row : kSets) {
            if (!stays(row)) {
                writer.drop_set(family, row.name);
            }
        }
    }
}

/// Whatever this host itself is asked: is there a socket for it?
void write_look(Writer& writer) {
    writer.rule("trap", "ct state { established, related, invalid } accept");
    writer.rule("trap", "goto trap_look");
    writer.rule("trap_look", "iif \"lo\" accept");
    writer.rule("trap_look", fmt::format("meta l4proto {} accept", kServedElsewhere));
    writer.rule("trap_look", "fib daddr type != local accept");
    writer.rule("trap_look", "tcp flags & rst == rst accept");
    for (const Family& family : kFamilies) {
        writer.rule("trap_look",
                    fmt::format("meta nfproto {} goto trap_look{}", family.nfproto, family.digit));
    }
}

/// A packet for a closed port makes its source suspect, unless it may be an answer or a traceroute.
void write_suspicion(Writer& writer, const Family& family, const Trap& trap) {
    const std::string suspect =
        fmt::format("update @suspect$n {{ $ip saddr timeout {}ms }}", trap.hold.count());
    writer.rule(family, "trap_look", "tcp flags & ack == 0x0 " + suspect);
    writer.rule(family, "trap_look",
                fmt::format("tcp flags & (syn | rst | ack) == ack {} {}", family.empty_segment, suspect));
    writer.rule(family, "trap_look",
                fmt::format("udp sport {} udp dport >= 1024 goto trap_report$n", kReplyPorts));
    writer.rule(family, "trap_look",
                fmt::format("udp dport >= 33000 {} <= 30 goto trap_report$n", family.hops));
    writer.rule(family, "trap_look", "meta l4proto udp " + suspect);
}

/// A SYN for a closed port that its source has not asked for lately is counted.
void write_new_port(Writer& writer, const Family& family) {
    const std::string port = "$ip saddr . tcp dport";
    writer.rule(family, "trap_report", fmt::format("{} {} @known_syn$n accept", kSyn, port));
    writer.rule(
        family, "trap_report",
        fmt::format("{} add @known_syn$n {{ {} timeout {} }} jump trap_count$n", kSyn, port, kRepeatsFor));
}

/// A repeat tells nothing new and wakes nobody. Of UDP only what cannot be excused by its source port or by
/// its hops: a packet that is excused must not hide the one after it.
void write_report(Writer& writer, const Family& family, const Trap& trap) {
    write_new_port(writer, family);
    const std::string udp = "$ip saddr . udp sport . udp dport . udp length";
    const std::string plain = fmt::format("udp sport != {} {} > 30", kReplyPorts, family.hops);
    writer.rule(family, "trap_report", fmt::format("{} {} @known_udp$n accept", plain, udp));
    writer.rule(family, "trap_report",
                fmt::format("{} add @known_udp$n {{ {} timeout {} }}", plain, udp, kRepeatsFor));
    writer.rule(family, "trap_report", report_rule(trap.report));
}

// Each closed port of a source once, as long as the set of repeats has room: a limit that starts full and is
// hardly refilled counts them.
constexpr std::string_view kCount =
    "{} @{}$n {{ $ip saddr timeout {}ms limit rate over 1/hour burst {} packets }} "
    "update @{}$n {{ $ip saddr timeout {} }}";

void write_insistent(Writer& writer, const Family& family, std::chrono::milliseconds hold) {
    writer.rule(family, "trap_count",
                fmt::format(kCount, "update", "tries", hold.count(), kInsistentAfter, "insistent",
                            fmt::format("{}ms", hold.count())));
}

void write_braked(Writer& writer, const Family& family, const Brake& brake) {
    // `add` leaves the time of what is there as it is: the window begins with the first port.
    writer.rule(
        family, "trap_count",
        fmt::format(kCount, "add", "burst", brake.window.count(), brake.ports - 1, "braked", kBrakedFor));
}

/// The first packet of its kind is dropped, and what repeats it faster than a retransmission would. Adding to
/// a full set ends the rule before its drop, and in this order nothing is then left behind that drops.
void write_hold(Writer& writer, const Family& family, const char* set, const char* key) {
    writer.rule(
        family, "trap_hold",
        fmt::format("{0} != @{1}$n add @{1}$n {{ {0} timeout {2} }} add @{1}_now$n {{ {0} timeout {3} }} "
                    "counter drop",
                    key, set, kHeldFor, kRepeatedNoSoonerThan));
    writer.rule(family, "trap_hold", fmt::format("{} @{}_now$n counter drop", key, set));
}

/// A packet for an open port.
void write_hesitation(Writer& writer, const Family& family, const Trap& trap) {
    if (trap.hesitation == Hesitation::bare) {
        writer.rule(family, "trap_open",
                    fmt::format("{} tcp option sack-perm missing goto trap_hold$n", kSyn));
    }
    writer.rule(family, "trap_open", "$ip saddr @suspect$n goto trap_hold$n");
    // Clients do not begin with two services at once; whoever does may be about to try them all.
    writer.rule(
        family, "trap_open",
        fmt::format("{} $ip saddr @opening$n $ip saddr . tcp dport != @opening_at$n goto trap_hold$n", kSyn));
    writer.rule(family, "trap_open",
                fmt::format("{0} add @opening_at$n {{ $ip saddr . tcp dport timeout {1} }} "
                            "add @opening$n {{ $ip saddr timeout {1} }}",
                            kSyn, kAtOnce));
    const char* segment = "$ip saddr . tcp sport . tcp dport . tcp sequence";
    write_hold(writer, family, "held_tcp", segment);
    writer.rule(
        family, "trap_hold",
        fmt::format("$ip saddr @insistent$n {0} != @held_tcp_again$n add @held_tcp_again$n {{ {0} timeout "
                    "{1} }} counter drop",
                    segment, kHeldFor));
    write_hold(writer, family, "held_udp", "$ip saddr . udp sport . udp dport");
}

/// Behind us there is no socket to ask for. A port is closed that somebody asked longer ago than an answer
/// takes, and that has not answered since: whoever asks it now is told of. Full sets tell of nobody.
void write_forward(Writer& writer, const Family& family, const Trap& trap,
                   const std::vector<std::string>& networks) {
    const std::string inside = fmt::format("{{ {} }}", fmt::join(networks, ", "));
    const std::string answering = "$ip saddr . meta l4proto . th sport";
    const std::string asked = "$ip daddr . meta l4proto . th dport";
    writer.rule("trap_forward", fmt::format("meta nfproto {} meta l4proto {{ tcp, udp }} goto trap_forward{}",
                                            family.nfproto, family.digit));
    const std::string learn =
        fmt::format("$ip saddr {} add @served$n {{ {} timeout {} }} accept", inside, answering, kServedFor);
    writer.rule(family, "trap_forward", "ct direction reply tcp flags & (syn | ack) == (syn | ack) " + learn);
    writer.rule(family, "trap_forward", "ct direction reply meta l4proto udp " + learn);
    writer.rule(family, "trap_forward", "ct state { established, related } accept");
    writer.rule(family, "trap_forward", fmt::format("$ip daddr != {} accept", inside));
    writer.rule(family, "trap_forward", "$ip saddr @allow$n accept");
    writer.rule(family, "trap_forward", "tcp flags & rst == rst accept");
    writer.rule(family, "trap_forward", fmt::format("{} @served$n accept", asked));
    writer.rule(family, "trap_forward",
                fmt::format("{0} != @asked$n add @asked_now$n {{ {0} timeout {1} }} "
                            "add @asked$n {{ {0} timeout {2} }} accept",
                            asked, kAnswerWithin, kAskedFor));
    writer.rule(family, "trap_forward", fmt::format("{} != @asked$n accept", asked));
    writer.rule(family, "trap_forward", fmt::format("{} @asked_now$n accept", asked));
    writer.rule(family, "trap_forward", report_rule(trap.report));
}

}  // namespace

std::string trap_text(std::string_view table, const Trap& trap, const std::optional<Brake>& brake) {
    Writer writer(table);
    const bool forwards = !trap.forward4.empty() || !trap.forward6.empty();
    write_ground(writer, forwards ? Part::trap_and_forward : Part::trap);
    write_early(writer, brake.has_value());
    write_look(writer);
    for (const Family& family : kFamilies) {
        writer.rule(family, "trap_look", "$ip saddr @allow$n accept");
        writer.rule(family, "trap_look",
                    "meta l4proto { tcp, udp } socket transparent { 0, 1 } goto trap_open$n");
        if (trap.hesitation != Hesitation::off) {
            write_suspicion(writer, family, trap);
            write_hesitation(writer, family, trap);
            write_insistent(writer, family, trap.hold);
        }
        writer.rule(family, "trap_look", "goto trap_report$n");
        write_report(writer, family, trap);
        if (brake) {
            write_braked(writer, family, *brake);
        }
        const auto& networks = family.digit == '4' ? trap.forward4 : trap.forward6;
        if (!networks.empty()) {
            write_forward(writer, family, trap, networks);
        }
    }
    return writer.take();
}

std::string brake_text(std::string_view table, const Brake& brake) {
    Writer writer(table);
    write_ground(writer, Part::brake);
    writer.rule("trap", "iif \"lo\" accept");
    writer.rule("trap", fmt::format("{} fib daddr type local goto trap_look", kSyn));
    for (const Family& family : kFamilies) {
        writer.rule("trap_brake", fmt::format("{} {}counter drop", kSyn, filled(family, kBraked)));
        writer.rule("trap_look",
                    fmt::format("meta nfproto {} goto trap_look{}", family.nfproto, family.digit));
        writer.rule(family, "trap_look", "$ip saddr @allow$n accept");
        writer.rule(family, "trap_look", "socket transparent { 0, 1 } accept");
        writer.rule(family, "trap_look", "goto trap_report$n");
        write_new_port(writer, family);
        write_braked(writer, family, brake);
    }
    return writer.take();
}

std::string no_trap_text(std::string_view table) {
    Writer writer(table);
    write_ground(writer, Part::nothing);
    return writer.take();
}

std::string queue_probe_text() {
    // Never carried out: see check_text.
    return "add table inet farewell_probe\n"
           "add chain inet farewell_probe input { type filter hook input priority 0; }\n"
           "add rule inet farewell_probe input queue flags bypass to jhash ip saddr mod 2 offset 0\n";
}

}  // namespace farewell::nft
