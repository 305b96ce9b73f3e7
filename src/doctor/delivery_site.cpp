// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/delivery_site.hpp"

#include <algorithm>

namespace farewell::doctor {
namespace {

constexpr int kDepthMax = 16;                 // of jumps, as the kernel has it (NFT_JUMP_STACK_SIZE)
constexpr std::size_t kStepsMax = 1'000'000;  // rules looked at from one hook: chains may be met often

/// What has happened to a packet on its way.
struct Way {
    bool has_passed_established = false;
    bool is_closed = false;
};

class Walk {
 public:
    Walk(const Ruleset& ruleset, const Chain& base, std::vector<DeliverySite>& sites)
        : ruleset_(ruleset), base_(base), sites_(sites) {}

    void through(const Chain& chain, Way& way, int depth) {
        for (std::size_t i = 0; i < chain.rules.size(); ++i) {
            if (++steps_ > kStepsMax) {
                return;
            }
            const Rule& rule = chain.rules[i];
            if (rule.delivery) {
                meet(chain, rule, *rule.delivery, i + 1, way);
            }
            if (rule.fate == Fate::jumps || rule.fate == Fate::goes_to) {
                follow(chain, rule, way, depth);
            }
            way.has_passed_established = way.has_passed_established || rule.accepts_established;
            if (!rule.is_for_all) {
                continue;
            }
            if (rule.fate == Fate::returns) {
                return;
            }
            way.is_closed = way.is_closed || rule.fate == Fate::accepts || rule.fate == Fate::drops ||
                            rule.fate == Fate::queues;
            if (rule.fate == Fate::goes_to) {
                way.is_closed = true;  // whatever its chain leaves is the policy's
                return;
            }
        }
    }

 private:
    void follow(const Chain& chain, const Rule& rule, Way& way, int depth) {
        const auto target = std::ranges::find_if(ruleset_.chains, [&](const Chain& other) {
            return other.family == chain.family && other.table == chain.table && other.name == rule.target;
        });
        if (target == ruleset_.chains.end() || depth >= kDepthMax) {
            return;
        }
        Way inner = way;
        through(*target, inner, depth + 1);
        if (rule.is_for_all) {
            way = inner;
        }
    }

    void meet(const Chain& chain, const Rule& rule, const Delivery& delivery, std::size_t position,
              const Way& way) {
        const bool has_ipv4 = chain.family == "ip" || chain.family == "inet";
        const bool has_ipv6 = chain.family == "ip6" || chain.family == "inet";
        sites_.push_back({.delivery = delivery,
                          .family = chain.family,
                          .table = chain.table,
                          .chain = chain.name,
                          .handle = rule.handle,
                          .position = position,
                          .hook = base_.hook,
                          .policy = base_.policy,
                          .takes_ipv4 = has_ipv4 && !rule.is_ipv6_only,
                          .takes_ipv6 = has_ipv6 && !rule.is_ipv4_only,
                          .is_for_all = rule.is_for_all,
                          .is_reachable = !way.is_closed,
                          .is_after_established = way.has_passed_established || rule.skips_established,
                          .is_compat = rule.is_compat});
    }

    const Ruleset& ruleset_;
    const Chain& base_;
    std::vector<DeliverySite>& sites_;
    std::size_t steps_ = 0;
};

}  // namespace

std::vector<DeliverySite> find_deliveries(const Ruleset& ruleset) {
    std::vector<DeliverySite> sites;
    for (const Chain& chain : ruleset.chains) {
        if (!chain.hook.empty()) {
            Way way;
            Walk(ruleset, chain, sites).through(chain, way, 0);
        }
    }
    return sites;
}

}  // namespace farewell::doctor
