use lru::LruCache;

/// What was used last, by its name, up to so many bytes in all.
pub struct Bounded<V> {
    entries: LruCache<String, (usize, V)>,
    bytes: usize,
    most_bytes: usize,
}

impl<V> Bounded<V> {
    pub fn new(most_bytes: usize) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, most_bytes }
    }

    pub fn get(&mut self, name: &str) -> Option<&V> {
        self.entries.get(name).map(|(_, value)| value)
    }

    /// Keeps a value of that many bytes, unless there is one of the name or it is too big.
    pub fn put(&mut self, name: String, bytes: usize, value: V) {
        if self.entries.contains(&name) || bytes > self.most_bytes {
            return;
        }
        self.entries.put(name, (bytes, value));
        self.bytes += bytes;
        while self.bytes > self.most_bytes {
            let Some((_, (dropped, _))) = self.entries.pop_lru() else { return };
            self.bytes -= dropped;
        }
    }
}
