#include "worker/train/gradient_step.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "worker/kernels/elementwise.h"
#include "worker/train/non_finite.h"

namespace podium {

// One shard at a time. `levels` are gradients that wait for their right-hand neighbour in the tree.
struct GradientStep::Runner {
  explicit Runner(int threads) : pool(threads), executor{pool} {}
  ThreadPool pool;
  Executor executor;
  TransformerWorkspace workspace;
  std::vector<float*> levels;
};

GradientStep::GradientStep(const Transformer& model, int shards, int threads)
    : model_(model), size_(model.parameters().size()), shard_sums_(static_cast<size_t>(shards)) {
  PODIUM_CHECK(shards >= 1 && threads >= 1, "{} shards, {} threads", shards, threads);
  const int runners = std::min(threads, shards);
  // Groups as large as leaves every runner two of them: few buffers, and one that is late costs little.
  while (2 * group_shards_ * 2 * runners <= shards) group_shards_ *= 2;
  groups_ = (shards + group_shards_ - 1) / group_shards_;
  const int levels = std::bit_width(static_cast<uint64_t>(group_shards_)) - 1;
  const int64_t buffers = groups_ + runners * levels;
  memory_ = Arena(static_cast<size_t>(buffers) * static_cast<size_t>(size_ + 16) * sizeof(float));
  auto buffer = [&] { return memory_.allocate({size_}).f32(); };
  for (int64_t i = 0; i < groups_; ++i) group_gradients_.push_back(buffer());
  for (int i = 0; i < runners; ++i) {
    runners_.push_back(std::make_unique<Runner>(threads / runners));
    for (int level = 0; level < levels; ++level) runners_.back()->levels.push_back(buffer());
  }
  pool_ = std::make_unique<ThreadPool>(threads);
  everything_ = std::make_unique<Executor>(Executor{*pool_});
  chunk_squares_.resize(static_cast<size_t>((size_ + kNormChunk - 1) / kNormChunk));
}

GradientStep::~GradientStep() = default;

template <typename Function>
void GradientStep::on_all_runners(Function&& function) {
  pool_->parallel_for(static_cast<int64_t>(runners_.size()),
                      [&](int64_t i) { function(*runners_[static_cast<size_t>(i)]); });
}

std::span<float> GradientStep::gradient() { return {group_gradients_[0], static_cast<size_t>(size_)}; }

GradientStep::Result GradientStep::run(FlatParameters weights, std::span<const TranslationShard> shards,
                                       RandomKey random, float label_smoothing) {
  PODIUM_CHECK(shards.size() == shard_sums_.size(), "{} shards, {} planned", shards.size(), shard_sums_.size());
  std::atomic<int64_t> next{0};
  on_all_runners([&](Runner& runner) {
    for (int64_t group = next++; group < groups_; group = next++)
      run_group(runner, group, weights, shards, random, label_smoothing);
  });
  Result result;
  for (const CrossEntropySums& sums : shard_sums_) result.sums += sums;
  result.squares = combine_groups();
  return result;
}

// A binary counter: shard i of the group is computed into the slot that popcount(i) names, and then, as many times as i
// has trailing ones, added to the slot before it. Slot 0 is the group's result.
void GradientStep::run_group(Runner& runner, int64_t group, FlatParameters weights,
                             std::span<const TranslationShard> shards, RandomKey random, float label_smoothing) {
  const int64_t first = group * group_shards_;
  const int64_t count = std::min(group_shards_, static_cast<int64_t>(shards.size()) - first);
  auto slot = [&](int64_t i) {
    return i == 0 ? group_gradients_[static_cast<size_t>(group)] : runner.levels[static_cast<size_t>(i - 1)];
  };
  auto add_to_previous = [&](int64_t i, int64_t begin, int64_t end) {
    const size_t size = static_cast<size_t>(end - begin);
    const std::span<float> left(slot(i - 1) + begin, size);
    add(runner.executor, left, std::span<const float>(slot(i) + begin, size), left);
  };
  for (int64_t i = 0; i < count; ++i) {
    const int64_t depth = std::popcount(static_cast<uint64_t>(i));
    const int64_t carries = std::countr_one(static_cast<uint64_t>(i));
    // Added while it is still in the cache; after the last shard of an incomplete group whatever waits is folded in.
    const int64_t adds = i + 1 == count ? depth : carries;
    StepContext context{runner.executor, weights, {slot(depth)}, random, true, nullptr};
    context.random.shard = static_cast<uint32_t>(first + i);
    const size_t index = static_cast<size_t>(first + i);
    shard_sums_[index] =
        model_.train_shard(context, shards[index], label_smoothing, runner.workspace, [&](int64_t begin, int64_t end) {
          for (int64_t k = 0; k < adds; ++k) add_to_previous(depth - k, begin, end);
        });
  }
}

double GradientStep::combine_groups() {
  const int64_t chunks = static_cast<int64_t>(chunk_squares_.size());
  constexpr int64_t kBlock = 16;  // chunks taken at a time
  std::atomic<int64_t> next{0};
  on_all_runners([&](Runner& runner) {
    for (int64_t block = next++; block * kBlock < chunks; block = next++) {
      for (int64_t chunk = block * kBlock; chunk < std::min(chunks, (block + 1) * kBlock); ++chunk) {
        const int64_t begin = chunk * kNormChunk;
        const size_t size = static_cast<size_t>(std::min(kNormChunk, size_ - begin));
        auto part = [&](int64_t group) {
          return std::span<float>(group_gradients_[static_cast<size_t>(group)] + begin, size);
        };
        // Groups are whole nodes of the tree, so the tree over groups is the same binary counter: pairs at growing
        // distance.
        for (int64_t distance = 1; distance < groups_; distance *= 2)
          for (int64_t left = 0; left + distance < groups_; left += 2 * distance)
            add(runner.executor, part(left), part(left + distance), part(left));
        sum_of_squares(runner.executor, part(0), std::span(chunk_squares_).subspan(static_cast<size_t>(chunk), 1));
      }
    }
  });
  double squares = 0;
  for (double chunk : chunk_squares_) squares += chunk;
  return squares;
}

CrossEntropySums GradientStep::evaluate(FlatParameters weights, std::span<const TranslationShard> shards,
                                        float label_smoothing, const std::function<bool()>& stop) {
  std::vector<CrossEntropySums> sums(shards.size());
  std::atomic<size_t> next{0};
  on_all_runners([&](Runner& runner) {
    const StepContext context{runner.executor, weights, {}, {}, false, nullptr};
    for (size_t i = next++; i < shards.size() && !(stop && stop()); i = next++)
      sums[i] = model_.evaluate_shard(context, shards[i], label_smoothing, runner.workspace);
  });
  CrossEntropySums total;
  for (const CrossEntropySums& shard : sums) total += shard;
  return total;
}

std::string GradientStep::find_non_finite(FlatParameters weights, std::span<const TranslationShard> shards,
                                          RandomKey random, float label_smoothing) {
  const std::string spoiled =
      first_non_finite_parameter(model_.parameters(), {weights.base, static_cast<size_t>(size_)});
  if (!spoiled.empty()) return "the weights " + spoiled;
  Runner& runner = *runners_.front();
  std::string found;
  for (size_t i = 0; i < shards.size() && found.empty(); ++i) {
    auto look = [&](std::string_view name, const Tensor& tensor) {
      if (!found.empty() || first_non_finite({tensor.f32(), static_cast<size_t>(tensor.size())}) < 0) return;
      found = fmt::format("{} of shard {}", name, i);
    };
    const TensorObserver observer = look;
    StepContext context{runner.executor, weights, {group_gradients_[0]}, random, true, &observer};
    context.random.shard = static_cast<uint32_t>(i);
    model_.train_shard(context, shards[i], label_smoothing, runner.workspace, [](int64_t, int64_t) {});
    if (!found.empty()) break;
    const std::string parameter = first_non_finite_parameter(model_.parameters(), gradient());
    if (!parameter.empty()) found = fmt::format("the gradient of {} of shard {}", parameter, i);
  }
  return found;
}

}  // namespace podium
